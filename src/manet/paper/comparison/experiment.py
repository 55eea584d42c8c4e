"""An experiment: a folder with a run for each network and seed, each of which can be interrupted and resumed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning.pytorch.callbacks import Callback

from manet.datasets.manifest import MANIFEST, Manifest, Split, read_manifest
from manet.errors import OutputError, TrainingError
from manet.evaluation.evaluate import Measures, evaluate
from manet.evaluation.report import filling, write_scores
from manet.evaluation.scoring import Evaluation, areas_of
from manet.files import replacing, sha256
from manet.model import Model, load
from manet.networks import build
from manet.paper.comparison.closed_gates import closed, kinds
from manet.paper.comparison.facts import FILE as FACTS
from manet.paper.comparison.facts import facts
from manet.paper.comparison.results import SETTINGS, ExperimentSettings, Run, read_settings
from manet.prediction.settings import PredictionSettings
from manet.prediction.window_context import WindowContext, to_batch
from manet.progress import QUIET, Progress
from manet.raster.scene import Scene
from manet.recipe import Recipe
from manet.run_folder import read_log
from manet.training.run import BEST, LOG, RECIPE, STATE, train


@dataclass(frozen=True)
class Experiment:
    """An open experiment: a folder, whose settings have been read or written."""

    data: Path
    manifest: Manifest
    out: Path
    settings: ExperimentSettings


def open_experiment(data: Path, out: Path, recipe: Recipe, split: Split, window: int, overlap: int) -> Experiment:
    """Start an experiment, or open the one in `out` to resume it.

    Args:
        data: Folder of the prepared dataset.
        out: Folder of the experiment.
        recipe: The recipe of all networks; its network's name and its seed do not count.
        split: The split that is scored.
        window: Height and width that the networks see in evaluation, pixels.
        overlap: Pixels that neighbouring windows share.

    Raises:
        OutputError: `out` holds an experiment with other settings, or something else.
        DatasetError: The dataset has no such split.
    """
    manifest = read_manifest(data)
    areas_of(manifest, split)
    settings = ExperimentSettings(
        manifest=sha256(data / MANIFEST),
        recipe=_shared(recipe),
        split=split,
        window=window,
        overlap=overlap,
    )
    path = out / SETTINGS
    if path.exists():
        if differing := _differences(path, settings):
            raise OutputError(
                f"{out} holds an experiment with another {', '.join(differing)}; give the same one, or another folder"
            )
    elif out.exists() and any(out.iterdir()):
        raise OutputError(f"{out} is not empty and holds no experiment; give another folder")
    else:
        with replacing(path) as partial:
            partial.write_text(settings.model_dump_json(indent=1), encoding="utf-8")
    return Experiment(data, manifest, out, settings)


def reopen_experiment(data: Path, out: Path) -> Experiment:
    """The experiment in `out`. Raises OutputError if there is none, or if it belongs to another dataset."""
    settings = read_settings(out)
    return open_experiment(data, out, settings.recipe, settings.split, settings.window, settings.overlap)


def _differences(path: Path, settings: ExperimentSettings) -> list[str]:
    try:
        earlier = ExperimentSettings.model_validate_json(path.read_text(encoding="utf-8"))
    except ValueError:
        return list(ExperimentSettings.model_fields)
    return [name for name in ExperimentSettings.model_fields if getattr(earlier, name) != getattr(settings, name)]


def _shared(recipe: Recipe) -> Recipe:
    return _with(recipe, Recipe().network.name, 0)


def _with(recipe: Recipe, network: str, seed: int) -> Recipe:
    return recipe.model_copy(
        update={
            "network": recipe.network.model_copy(update={"name": network}),
            "training": recipe.training.model_copy(update={"seed": seed}),
        }
    )


def check_networks(experiment: Experiment, networks: Sequence[str]) -> None:
    """Raises NetworkError if a network is unknown, or if the recipe's encoder does not fit it."""
    encoder, bands = experiment.settings.recipe.network.encoder, len(experiment.manifest.bands)
    for network in networks:
        build(network, encoder=encoder, bands=bands, classes=len(experiment.manifest.legend))


def train_run(
    experiment: Experiment, run: Run, *, workers: int, device: str, callbacks: Sequence[Callback], progress: Progress
) -> None:
    """Train one network, or resume its training. Nothing is done twice."""
    recipe = _with(experiment.settings.recipe, run.network, run.seed)
    train_once(
        experiment.data, recipe, run.folder, workers=workers, device=device, callbacks=callbacks, progress=progress
    )


def train_once(
    data: Path,
    recipe: Recipe,
    folder: Path,
    *,
    workers: int,
    device: str,
    callbacks: Sequence[Callback],
    progress: Progress,
) -> None:
    """Train a recipe, resume its training, or do nothing if it has ended.

    Args:
        data: Folder of the prepared dataset.
        recipe: What is trained.
        folder: Folder of the run.
        workers: Processes that read patches.
        device: auto, cpu, cuda or mps.
        callbacks: Watch the training.
        progress: Is told what a user should know.

    Raises:
        TrainingError: The folder holds a run that was damaged.
    """
    if (folder / RECIPE).exists() and not (folder / STATE).exists():
        if (folder / BEST).exists():
            return  # trained, not yet evaluated
        raise TrainingError(f"{folder} has neither {STATE} nor {BEST}; remove the folder to repeat the run")
    resume = (folder / STATE).exists()
    train(
        data,
        recipe,
        folder,
        resume=resume,
        workers=workers,
        device=device,
        graphs=False,
        callbacks=callbacks,
        progress=progress,
    )
    (folder / STATE).unlink()  # three times the size of the weights, and no longer needed


def evaluate_run(experiment: Experiment, run: Run, device: str, progress: Progress = QUIET) -> Evaluation:
    """Score the best epoch of a run, also with its attention closed, and write the scores: the run is finished.

    Args:
        experiment: The experiment that the run belongs to.
        run: A run that has been trained.
        device: auto, cpu, cuda or mps.
        progress: Is told of every window.
    """
    model = load(run.checkpoint, runtime="torch", device=device)
    evaluation = _score(experiment, model, progress, by_size=True)
    without: dict[str, float] = {}
    for kind in kinds(model.network):
        progress.note(f"again with its {kind} gates closed")
        with closed(model.network, kind):
            without[kind] = _score(experiment, model, progress).scores.mean_iou or 0
    spent = sum(float(row["seconds"]) for row in read_log(run.folder / LOG))
    with filling(run.folder, overwrite=True) as partial:
        known = facts(model, _example(experiment), spent, without)
        (partial / FACTS).write_text(known.model_dump_json(indent=1), encoding="utf-8")
        write_scores(evaluation, partial)
    return evaluation


def _score(experiment: Experiment, model: Model, progress: Progress, by_size: bool = False) -> Evaluation:
    settings = experiment.settings
    how = PredictionSettings(window=settings.window, overlap=settings.overlap)
    measures = Measures(by_size=by_size)
    return evaluate(model, experiment.data, settings.split, how, measures=measures, progress=progress)


def _example(experiment: Experiment) -> torch.Tensor:
    """The middle of the largest scored area, as images: the imagery on which attention is examined."""
    areas, size = areas_of(experiment.manifest, experiment.settings.split), experiment.settings.recipe.patches.size
    area = max(areas, key=lambda area: min(area.height, area.width))
    with Scene(experiment.data / experiment.manifest.scene(area.scene).image) as scene:
        return torch.from_numpy(to_batch(*scene.read(area.window.middle(size, size)))[0])


def window_context(experiment: Experiment, model: Model) -> WindowContext:
    """Predicts every window by itself with a run's network, which is possible for all networks."""
    settings = experiment.settings
    return WindowContext(model.runtime, len(model.legend), settings.window, settings.overlap)
