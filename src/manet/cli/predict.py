"""`manet predict`: the map of a scene."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from manet.cli.mapping import Job, Mapper, Targets, run, run_all
from manet.cli.options import (
    AugmentationOption,
    BackendOption,
    CacheOption,
    ContextChoice,
    ContextOption,
    EnergyOption,
    HaloOption,
    OverlapOption,
    WindowOption,
)
from manet.cli.polygons import BackgroundOption, LeastAreaOption, SimplifyOption
from manet.cli.prediction_report import ConsoleReport, EventReport

if TYPE_CHECKING:
    from manet.raster.inputs import NamedScene


def predict(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="[CHECKPOINT] SCENES...",
            help="Checkpoint (runs/x/best.safetensors) or exported network, left out with --model; then an image that "
            "GDAL can read, or several, a folder, a pattern, a STAC item collection.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Map to write, a GeoTIFF; a folder for several scenes. By default SCENE_map.tif here, or maps/."
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Released model in place of a checkpoint; `manet models` lists them.")
    ] = None,
    context: ContextOption = "window",
    window: WindowOption = None,
    overlap: OverlapOption = 64,
    halo: HaloOption = None,
    cache: CacheOption = "2GB",
    energy: EnergyOption = "paper",
    augmentation: AugmentationOption = "none",
    backend: BackendOption = "auto",
    native: Annotated[
        bool, typer.Option("--native", help="Keep the scene's ground sampling distance where the training's differs.")
    ] = False,
    collar: Annotated[
        Literal["black", "white", "both"] | None,
        typer.Option(help="Take a frame of this colour at the scene's edges for nodata."),
    ] = None,
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
    polygons: Annotated[
        Path | None, typer.Option(help="Polygons to write, .gpkg; their confidence with --probabilities.")
    ] = None,
    background: BackgroundOption = "out",
    simplify: SimplifyOption = 0,
    least_area: LeastAreaOption = 0,
    events: Annotated[
        bool, typer.Option("--json", help="Events for programs on standard output, one JSON object a line.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew, where an unfinished prediction would be gone on with.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace outputs that are there.")] = False,
) -> None:
    """Map a scene of any size: a class GeoTIFF with the scene's georeference, the legend's colours and names.

    A prediction that was stopped goes on with the same command. For several scenes every output is a folder, and one
    that fails does not stop the others.
    """
    from manet.cli.device import choose_device
    from manet.prediction.map import Rasters
    from manet.raster.inputs import find_scenes, is_collection
    from manet.raster.polygons import PolygonSettings

    report = EventReport() if events else ConsoleReport()
    checkpoint, scenes = _checkpoint_and_scenes(files, model)
    found, several = find_scenes(scenes), len(scenes) > 1 or is_collection(scenes[0])

    out = out or (Path("maps") if several else Path(f"{found[0].name}_map.tif"))

    def place(output: Path | None, scene: "NamedScene", suffix: str = ".tif") -> Path | None:
        return output / f"{scene.name}{suffix}" if several and output is not None else output

    mapper = Mapper(
        checkpoint=checkpoint,
        choice=ContextChoice(context, window, overlap, halo, cache, energy, augmentation),
        native=native,
        backend=backend,
        collar=collar,
        device=choose_device(device),
        restart=restart,
        overwrite=overwrite,
        report=report,
    )
    settings = PolygonSettings(background, simplify, least_area)
    jobs: list[Job] = []
    for scene in found:
        map_file = place(out, scene)
        assert map_file is not None
        rasters = Rasters(map_file, place(probabilities, scene), place(uncertainty, scene), cog)
        targets = Targets(rasters, place(areas, scene, ".csv"), place(polygons, scene, ".gpkg"), settings)
        jobs.append(Job(scene.path, targets))
    with report.only_events():
        if several:
            run_all(mapper, jobs)
        else:
            run(mapper, jobs[0])


def _checkpoint_and_scenes(files: list[str], model: str | None) -> tuple[Path, list[str]]:
    from manet.errors import SceneError
    from manet.released import released_model

    if model is not None:
        return released_model(model), files
    if len(files) < 2:
        raise SceneError(
            f"got {files[0]} alone; give a checkpoint and then the scenes, or a released model by --model NAME"
        )
    return Path(files[0]), files[1:]
