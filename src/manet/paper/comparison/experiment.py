"""An experiment: a folder with a run for each network and seed, each of which can be interrupted and resumed."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning.pytorch.callbacks import Callback
from pydantic import ValidationError

from manet.datasets.manifest import MANIFEST, Manifest, Split, read_manifest
from manet.errors import OutputError, TrainingError
from manet.evaluation.evaluate import Evaluation, areas_of, evaluate
from manet.evaluation.protocol import PredictionSettings
from manet.evaluation.report import filling, write_scores
from manet.files import replacing
from manet.networks import Network, build
from manet.networks.checkpoint import load
from manet.paper.comparison.closing import closed, kinds
from manet.paper.comparison.facts import FILE as FACTS
from manet.paper.comparison.facts import facts
from manet.paper.comparison.results import SETTINGS, ExperimentSettings, Run, read_settings
from manet.prediction.context import WindowContext
from manet.prediction.predict import Advance, Tiling, to_tensors
from manet.raster.scene import Scene
from manet.recipe import Recipe
from manet.training.log import read_log
from manet.training.run import BEST, LOG, RECIPE, STATE, Say, train

Progress = Callable[[str, int], AbstractContextManager[Advance]]
"""What is done, and in how many windows."""


@dataclass(frozen=True)
class Experiment:
    """An experiment that is open: its settings are those in its folder."""

    data: Path
    manifest: Manifest
    out: Path
    settings: ExperimentSettings


def open_experiment(data: Path, out: Path, recipe: Recipe, split: Split, tiling: Tiling) -> Experiment:
    """Start an experiment, or go on with the one in `out`.

    Raises OutputError where `out` holds an experiment with other settings, or something else.
    """
    manifest = read_manifest(data)
    areas_of(manifest, split)
    settings = ExperimentSettings(
        manifest=hashlib.sha256((data / MANIFEST).read_bytes()).hexdigest(),
        recipe=_shared(recipe),
        split=split,
        window=tiling.window,
        overlap=tiling.overlap,
    )
    path = out / SETTINGS
    if path.exists():
        if differing := _differences(path, settings):
            raise OutputError(
                f"{out} holds an experiment with another {', '.join(differing)}; give the same, or another folder"
            )
    elif out.exists() and any(out.iterdir()):
        raise OutputError(f"{out} is not empty and holds no experiment; give another folder")
    else:
        with replacing(path) as partial:
            partial.write_text(settings.model_dump_json(indent=1), encoding="utf-8")
    return Experiment(data, manifest, out, settings)


def reopen_experiment(data: Path, out: Path) -> Experiment:
    """The experiment in `out`. Raises OutputError where there is none, or where it is of another dataset."""
    settings = read_settings(out)
    return open_experiment(data, out, settings.recipe, settings.split, Tiling(settings.window, settings.overlap))


def _differences(path: Path, settings: ExperimentSettings) -> list[str]:
    try:
        earlier = ExperimentSettings.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError:
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
    """Raises NetworkError for a name that is not in the table, and where the recipe's encoder does not fit one."""
    encoder, bands = experiment.settings.recipe.network.encoder, len(experiment.manifest.bands)
    for network in networks:
        build(network, encoder=encoder, bands=bands, classes=len(experiment.manifest.legend))


def train_run(
    experiment: Experiment, run: Run, *, workers: int, device: str, callbacks: Sequence[Callback], say: Say
) -> None:
    """Train one network, or go on where its training stopped. Nothing is done twice."""
    recipe = _with(experiment.settings.recipe, run.network, run.seed)
    train_once(experiment.data, recipe, run.folder, workers=workers, device=device, callbacks=callbacks, say=say)


def train_once(
    data: Path, recipe: Recipe, folder: Path, *, workers: int, device: str, callbacks: Sequence[Callback], say: Say
) -> None:
    """Train a recipe, or go on where its training stopped, or do nothing where it has ended.

    Raises TrainingError where a folder is of a run that was spoilt.
    """
    if (folder / RECIPE).exists() and not (folder / STATE).exists():
        if (folder / BEST).exists():
            return  # trained, not yet evaluated
        raise TrainingError(f"{folder} has neither {STATE} nor {BEST}; remove the folder to do it again")
    resume = (folder / STATE).exists()
    train(data, recipe, folder, resume=resume, workers=workers, device=device, callbacks=callbacks, say=say)
    (folder / STATE).unlink()  # three times the weights, and of no more use


def evaluate_run(experiment: Experiment, run: Run, device: torch.device, progress: Progress) -> Evaluation:
    """Score one network's best epoch, also without its attention, and write its scores: the run is finished."""
    network = load(run.checkpoint).to(device)
    with progress("evaluating", windows(experiment)) as advance:
        evaluation = _score(experiment, network, device, advance, by_size=True)
    without: dict[str, float] = {}
    for kind in kinds(network):
        with closed(network, kind), progress(f"evaluating without its {kind} gates", windows(experiment)) as advance:
            without[kind] = _score(experiment, network, device, advance).scores.mean_iou or 0
    spent = sum(float(row["seconds"]) for row in read_log(run.folder / LOG))
    with filling(run.folder, overwrite=True) as partial:
        known = facts(network, _example(experiment), spent, device, without)
        (partial / FACTS).write_text(known.model_dump_json(indent=1), encoding="utf-8")
        write_scores(evaluation, partial)
    return evaluation


def _score(
    experiment: Experiment, network: Network, device: torch.device, advance: Advance, by_size: bool = False
) -> Evaluation:
    settings, predictor = experiment.settings, window_context(experiment, network, device)
    return evaluate(
        lambda scene, area: predictor.predict(scene, area, advance),
        experiment.data,
        experiment.manifest,
        settings.split,
        PredictionSettings(window=settings.window, overlap=settings.overlap),
        by_size=by_size,
    )


def _example(experiment: Experiment) -> torch.Tensor:
    """The middle of the largest area that is scored, as images: what attention is looked at on."""
    areas, size = areas_of(experiment.manifest, experiment.settings.split), experiment.settings.recipe.patches.size
    area = max(areas, key=lambda area: min(area.height, area.width))
    with Scene(experiment.data / experiment.manifest.scene(area.scene).image) as scene:
        return to_tensors(*scene.read(area.window.middle(size, size)), torch.device("cpu"))[0]


def window_context(experiment: Experiment, network: Network, device: torch.device) -> WindowContext:
    """A run's network, predicting every window by itself, which all networks can."""
    settings = experiment.settings
    tiling = Tiling(settings.window, settings.overlap)
    return WindowContext(network, len(experiment.manifest.legend), tiling, device)


def windows(experiment: Experiment) -> int:
    """How many an evaluation takes."""
    tiling = Tiling(experiment.settings.window, experiment.settings.overlap)
    areas = areas_of(experiment.manifest, experiment.settings.split)
    return sum(len(tiling.windows(area.window)) for area in areas)
