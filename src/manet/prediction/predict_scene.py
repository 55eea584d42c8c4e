"""One scene to its outputs: opened, adapted, predicted or resumed, written."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from manet.card import Card
from manet.prediction.adapt import adapt_as_set, tell, tell_senseless
from manet.prediction.build_predictor import build_predictor
from manet.prediction.outputs import Outputs, keep_strips, write_outputs
from manet.prediction.predictor import Predicted
from manet.prediction.resume import Journal
from manet.prediction.settings import PredictionSettings
from manet.prediction.work import check_work
from manet.progress import QUIET, Progress
from manet.raster.scene import Scene
from manet.runtime.protocol import Runtime

BOUNDS = ("memory_bytes", "limit_megapixels")
"""Settings that a map does not depend on."""


def predict_scene(
    runtime: Runtime,
    card: Card,
    scene: str | Path,
    outputs: Outputs,
    settings: PredictionSettings = PredictionSettings(),  # noqa: B008 (frozen)
    progress: Progress = QUIET,
) -> None:
    """Map a scene of any size in bounded memory, or resume its map where it was stopped.

    Args:
        runtime: What computes the network.
        card: What the network was trained on.
        scene: An image that GDAL can read.
        outputs: What to write, and where.
        settings: How to predict.
        progress: Is told what is adapted, and of every window.

    Raises:
        SceneError: The scene cannot be read, or lacks bands that the network takes.
        OutputError: An output exists and is not to be replaced, or cannot be written.
        OptionError: Settings do not go together, or more would be computed than they allow.
        NetworkError: Scene context would not be exact with this network.
    """
    with Scene(scene) as image:
        outputs.check(image.files)
        if outputs.polygon_settings is not None:
            from manet.raster.polygons import check_classes

            check_classes(outputs.polygon_settings, card.legend.names)
        journal = Journal(outputs.classes, _depends_on(runtime, image, outputs, settings), outputs.restart)
        with journal:
            journal.clear_way([*outputs.paths, *outputs.styles], outputs.overwrite)
            check_work(runtime, card, image, settings)  # before its collar is looked for
            adapted = adapt_as_set(image, card, settings)
            tell([adapted], progress)
            check_work(runtime, card, adapted.seen, settings)
            chosen = replace(settings, **journal.chosen)
            with adapted.own as own, adapted.seen as seen:
                predictor = build_predictor(runtime, card, chosen, seen, progress=progress)
                journal.chosen = {"window": predictor.window}
                if chosen.context == "scene":
                    journal.chosen["halo"] = predictor.overlap // 2
                    progress.note(f"windows of {predictor.window} pixels, halo of {predictor.overlap // 2}")
                predictor = adapted.on_own_grid(predictor)
                finished = journal.strips.finished
                if finished:
                    progress.note(f"resuming after {finished} finished strips")
                journal.begin()
                steps, megapixels = predictor.steps(own.window), own.height * own.width / 1e6
                predicted = predictor.strips(
                    own,
                    own.window,
                    lambda done: progress.count("predicting", done, steps, megapixels),
                    finished=finished,
                    sums=journal.sums,
                )
                empty = finished == 0

                def watched() -> Iterator[Predicted]:
                    nonlocal empty
                    for found in predicted:
                        empty = empty and not found.probabilities.any()
                        yield found

                keep_strips(watched(), outputs.layers(card.legend), journal)
                tell_senseless(seen, progress)
                if empty:
                    progress.warn(
                        f"no pixel of {image.path} is valid (by its nodata, mask or alpha band), so the map is nodata "
                        "everywhere"
                    )
                journal.mark_complete()
                write_outputs(own, outputs, card.legend, journal, _origin(runtime, card, image), progress)
                if outputs.stac is not None:
                    from manet.stac.item import write_item
                    from manet.stac.map_item import map_item

                    model = f"{card.recipe.network.name} of {card.dataset}, SHA-256 {runtime.digest}"
                    item = map_item(outputs.classes, own.path, card.legend, outputs.stac, model=model, cog=outputs.cog)
                    write_item(item, outputs.stac, overwrite=True)
    size = f"{image.height} x {image.width} pixels"
    progress.note(f"{size} mapped to {', '.join(card.legend.names)}: {outputs.classes}")


def _origin(runtime: Runtime, card: Card, scene: Scene) -> dict[str, str]:
    """What a map says of where it comes from."""
    return {
        "model": f"{card.recipe.network.name} of {card.dataset}, SHA-256 {runtime.digest[:12]}",
        "version": f"manet {version('manet')}",
        "scene": Path(scene.path).name,
    }


def _depends_on(runtime: Runtime, scene: Scene, outputs: Outputs, settings: PredictionSettings) -> dict[str, Any]:
    """Everything that a map depends on, by names that a user understands."""
    of_scene = {f"scene ({name})": value for name, value in scene.identity().items()}
    of_settings = {name: value for name, value in asdict(settings).items() if name not in BOUNDS}
    return {
        **of_scene,
        **of_settings,
        "network (SHA-256)": runtime.digest,
        "runtime": runtime.kind,
        "device": runtime.device_name,
        "probabilities": outputs.probabilities is not None,
        "uncertainty": outputs.uncertainty is not None,
        "version": f"manet {version('manet')}, {runtime.version}",
    }
