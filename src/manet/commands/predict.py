"""`manet predict`: the map of a scene."""

from pathlib import Path
from typing import Annotated

import typer

from manet.commands.console import console, progress_bar
from manet.commands.contexts import (
    CacheOption,
    ContextChoice,
    ContextOption,
    EnergyOption,
    HaloOption,
    OverlapOption,
    WindowOption,
)


def predict(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint, such as runs/x/best.safetensors.")],
    scene: Annotated[str, typer.Argument(help="Image that GDAL can read.")],
    out: Annotated[Path, typer.Option(help="Map to write, a GeoTIFF.")],
    context: ContextOption = "window",
    window: WindowOption = None,
    overlap: OverlapOption = 64,
    halo: HaloOption = None,
    cache: CacheOption = "2GB",
    energy: EnergyOption = "paper",
    native: Annotated[
        bool, typer.Option("--native", help="Keep the scene's ground sampling distance where the training's differs.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a map that is there.")] = False,
) -> None:
    """Map a scene of any height: a class GeoTIFF with the scene's georeference, the legend's colours and names."""
    from manet.raster.scene import Scene
    from manet.raster.writer import refuse_existing

    refuse_existing(out, overwrite)
    with Scene(scene) as image:
        from manet.checkpoint import load, read_card
        from manet.commands.device import choose_device
        from manet.prediction.fit import OwnGrid, fit_scene
        from manet.prediction.map import write_map

        card, torch_device = read_card(checkpoint), choose_device(device)
        fit = fit_scene(image, card, native)
        for line in (*fit.notes, *(f"warning: {warning}" for warning in fit.warnings)):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        choice = ContextChoice(context, window, overlap, halo, cache, energy)
        with fit.own as own, fit.resampled or own as seen:
            predictor = choice.predictor(load(checkpoint).to(torch_device), seen, seen.window, torch_device)
            if seen is not own:
                predictor = OwnGrid(predictor, seen)
            with progress_bar("predicting windows", predictor.windows(own.window)) as advance:
                write_map(predictor, own, out, card.legend, overwrite=overwrite, advance=advance)
    console.print(f"{image.height} x {image.width} pixels mapped to {', '.join(card.legend.names)}: {out}")
