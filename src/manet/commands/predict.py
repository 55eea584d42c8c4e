"""`manet predict`: the map of a scene."""

from pathlib import Path
from typing import Annotated

import typer

from manet.commands.contexts import (
    CacheOption,
    ContextChoice,
    ContextOption,
    EnergyOption,
    HaloOption,
    OverlapOption,
    WindowOption,
)
from manet.commands.mapping import Mapper, Targets
from manet.commands.prediction_report import ConsoleReport


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
    probabilities: Annotated[
        Path | None, typer.Option(help="Raster to write: each class's probability, of bytes (254 is 1).")
    ] = None,
    uncertainty: Annotated[
        Path | None, typer.Option(help="Raster to write: entropy of the probabilities, of bytes (254 is 1).")
    ] = None,
    cog: Annotated[bool, typer.Option("--cog", help="Write cloud-optimised GeoTIFFs, with overviews.")] = False,
    areas: Annotated[
        Path | None, typer.Option(help="Square metres of each class on the ellipsoid: a .csv, and a .json beside it.")
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew, where an unfinished prediction would be gone on with.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace outputs that are there.")] = False,
) -> None:
    """Map a scene of any size: a class GeoTIFF with the scene's georeference, the legend's colours and names.

    A prediction that was stopped goes on with the same command.
    """
    from manet.commands.device import choose_device
    from manet.prediction.map import Rasters

    mapper = Mapper(
        checkpoint=checkpoint,
        choice=ContextChoice(context, window, overlap, halo, cache, energy),
        native=native,
        device=choose_device(device),
        restart=restart,
        overwrite=overwrite,
        report=ConsoleReport(),
    )
    mapper.map(scene, Targets(Rasters(out, probabilities, uncertainty, cog), areas))
