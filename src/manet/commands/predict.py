"""`manet predict`: the map of a scene."""

from pathlib import Path
from typing import Annotated

import typer

from manet.commands.console import console, progress_bar


def predict(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint, such as runs/x/best.safetensors.")],
    scene: Annotated[str, typer.Argument(help="Image that GDAL can read.")],
    out: Annotated[Path, typer.Option(help="Map to write, a GeoTIFF.")],
    window: Annotated[int, typer.Option(help="Height and width of a window, pixels.")] = 512,
    overlap: Annotated[int, typer.Option(help="Pixels that windows share with their neighbours.")] = 64,
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
        from manet.prediction.map import check_bands, write_map
        from manet.prediction.predict import Tiling

        card, tiling = read_card(checkpoint), Tiling(window, overlap)
        check_bands(image, card.bands)
        torch_device = choose_device(device)
        network = load(checkpoint).to(torch_device)
        with progress_bar("predicting windows", len(tiling.windows(image.window))) as advance:
            write_map(network, image, out, card.legend, tiling, torch_device, overwrite=overwrite, advance=advance)
    console.print(f"{image.height} x {image.width} pixels mapped to {', '.join(card.legend.names)}: {out}")
