"""`manet predict`: the map of a scene."""

import time
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manet.cli import last_resort
from manet.cli.console import console, errors
from manet.cli.options import (
    AugmentationOption,
    BackendOption,
    CollarOption,
    ContextOption,
    DeviceOption,
    HaloOption,
    MemoryOption,
    OverlapOption,
    WindowOption,
    open_model,
    parse_halo,
    parse_size,
)
from manet.cli.polygons import (
    BackgroundOption,
    DisplacementOption,
    LeastAreaOption,
    RegulariseOption,
    SimplifyOption,
    parse_classes,
)
from manet.cli.progress import ConsoleProgress, EventProgress, only_events
from manet.errors import ManetError, OptionError

if TYPE_CHECKING:
    from manet.model import Model
    from manet.prediction.outputs import Outputs
    from manet.prediction.settings import PredictionSettings
    from manet.raster.inputs import NamedScene

MAPPED_AREAS = (
    "the areas are mapped ones, which classification errors bias; `manet assess` gives estimates with intervals"
)


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
    memory: MemoryOption = "2.5GB",
    augmentation: AugmentationOption = "none",
    backend: BackendOption = "auto",
    native: Annotated[
        bool, typer.Option("--native", help="Keep the scene's ground sampling distance where the training's differs.")
    ] = False,
    collar: CollarOption = "auto",
    yes: Annotated[
        bool, typer.Option("--yes", help="Map scenes of any size, however long it takes (from 20,000 megapixels on).")
    ] = False,
    device: DeviceOption = "auto",
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
        Path | None,
        typer.Option(
            help="Polygons to write, .gpkg (or .geojson, .shp, .fgb, .parquet); confidence with --probabilities."
        ),
    ] = None,
    background: BackgroundOption = "out",
    simplify: SimplifyOption = 1,
    least_area: LeastAreaOption = None,
    regularise: RegulariseOption = "",
    displacement: DisplacementOption = 0.5,
    preview: Annotated[
        Path | None, typer.Option(help="Picture to write, .png: the scene and its map, at most 1000 pixels each.")
    ] = None,
    stac: Annotated[
        Path | None, typer.Option(help="STAC item to write, .json: where the map is, of when, its classes.")
    ] = None,
    events: Annotated[
        bool, typer.Option("--json", help="Events for programs on standard output, one JSON object a line.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Start again where an unfinished prediction would be resumed.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace outputs that are there.")] = False,
) -> None:
    """Map a scene of any size: a class GeoTIFF with the scene's georeference, the legend's colours and names.

    The same command resumes a prediction that was stopped. For several scenes every output is a folder, and one
    that fails does not stop the others.
    """
    from contextlib import nullcontext

    checkpoint, scenes = _checkpoint_and_scenes(files, model)
    with only_events() if events else nullcontext(), EventProgress() if events else ConsoleProgress() as progress:
        opened = open_model(checkpoint, backend, device, progress)
        opened.runtime.prepare(context == "scene")  # which goes on while what follows is imported
        from manet.files import refuse_inputs
        from manet.prediction.outputs import Outputs
        from manet.prediction.settings import PredictionSettings
        from manet.raster.inputs import find_scenes, is_collection

        found, several = find_scenes(scenes), len(scenes) > 1 or is_collection(scenes[0])
        out = out or (Path("maps") if several else Path(f"{found[0].name}_map.tif"))

        def place(output: Path, scene: "NamedScene", suffix: str = ".tif") -> Path:
            return output / f"{scene.name}{suffix}" if several else output

        settings = PredictionSettings(
            context=context,
            window=window,
            overlap=overlap,
            halo=parse_halo(halo),
            memory_bytes=parse_size(memory),
            augmentation=augmentation,
            native=native,
            collar=collar,
            limit_megapixels=inf if yes else PredictionSettings.limit_megapixels,
        )
        polygon_settings = None
        if polygons:
            from manet.raster.polygons import PolygonSettings

            polygon_settings = PolygonSettings(
                background, simplify, least_area, parse_classes(regularise), displacement
            )
        jobs = [
            (
                scene.path,
                Outputs(
                    classes=place(out, scene),
                    probabilities=place(probabilities, scene) if probabilities else None,
                    uncertainty=place(uncertainty, scene) if uncertainty else None,
                    surfaces=place(areas, scene, ".csv") if areas else None,
                    polygons=place(polygons, scene, ".gpkg") if polygons else None,
                    polygon_settings=polygon_settings,
                    preview=place(preview, scene, ".png") if preview else None,
                    stac=place(stac, scene, ".json") if stac else None,
                    cog=cog,
                    overwrite=overwrite,
                    restart=restart,
                ),
            )
            for scene in found
        ]
        # before the first scene is mapped: outputs in the folder of the scenes would replace those still to come
        refuse_inputs([path for _, outputs in jobs for path in outputs.paths], [scene.path for scene in found])
        progress.note(f"runs on {opened.runtime.description}")
        if areas is not None:
            progress.note(MAPPED_AREAS)
        if several:
            _predict_all(opened, jobs, settings, progress)
        else:
            _predict_one(opened, *jobs[0], settings, progress)


def _predict_one(
    model: "Model",
    scene: str,
    outputs: "Outputs",
    settings: "PredictionSettings",
    progress: ConsoleProgress | EventProgress,
) -> None:
    """Map one scene and tell of it."""
    from manet.model import predict_scene

    begin, paths = time.monotonic(), [str(path) for path in outputs.paths]
    tell = progress.event if isinstance(progress, EventProgress) else lambda name, **fields: None
    tell("started", scene=scene, outputs=paths)
    try:
        predict_scene(model, scene, outputs, settings, progress)
    except Exception as error:
        tell("failed", scene=scene, error=_said(error))
        raise
    tell("finished", scene=scene, outputs=paths, seconds=round(time.monotonic() - begin, 1))


def _predict_all(
    model: "Model",
    jobs: "list[tuple[str, Outputs]]",
    settings: "PredictionSettings",
    progress: ConsoleProgress | EventProgress,
) -> None:
    """Map every scene. Those that fail are named at the end, and the exit status is 1."""
    failed: list[str] = []
    for number, (scene, outputs) in enumerate(jobs, 1):
        console.print(f"{number} of {len(jobs)}: {scene}", markup=False, highlight=False, soft_wrap=True)
        try:
            _predict_one(model, scene, outputs, settings, progress)
        except Exception as error:  # whatever is wrong with a scene, the others are mapped
            failed.append(scene)
            errors.print(f"failed: {_said(error)}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"{len(jobs) - len(failed)} of {len(jobs)} scenes mapped", highlight=False)
    if failed:
        errors.print(f"not mapped: {', '.join(failed)}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1)


def _said(error: Exception) -> str:
    """An error in one line; of those that were not foreseen also where their traceback is."""
    return " ".join(str(error).split()) if isinstance(error, ManetError) else last_resort.explain(error)[0]


def _checkpoint_and_scenes(files: list[str], model: str | None) -> tuple[str, list[str]]:
    if model is not None:
        return model, files
    if len(files) < 2:
        raise OptionError(
            f"got {files[0]} alone; give a checkpoint and then the scenes, or a released model by --model NAME"
        )
    return files[0], files[1:]
