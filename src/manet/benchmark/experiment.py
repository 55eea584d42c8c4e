"""An experiment: a folder with a run for each network and seed, each of which can be interrupted and resumed."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning.pytorch.callbacks import Callback
from pydantic import BaseModel, ConfigDict, ValidationError

from manet.checkpoint import load
from manet.datasets.manifest import MANIFEST, Manifest, Split, read_manifest
from manet.errors import OutputError, TrainingError
from manet.evaluation.evaluate import Evaluation, areas_of, evaluate
from manet.evaluation.protocol import PredictionSettings
from manet.evaluation.report import SCORES, filling, write_scores
from manet.models import NETWORKS, build
from manet.prediction.context import WindowContext
from manet.prediction.predict import Advance, Tiling
from manet.raster.writer import replacing
from manet.recipe import Recipe
from manet.training.run import BEST, RECIPE, STATE, Say, train

SETTINGS, RUNS = "experiment.json", "runs"


class ExperimentSettings(BaseModel):
    """What all runs of an experiment share. Networks and seeds may be added later, these may not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    manifest: str
    """SHA-256 of the dataset's manifest."""
    recipe: Recipe
    """Its network's name and its seed are each run's own."""
    split: Split
    window: int
    overlap: int


@dataclass(frozen=True)
class Run:
    """One network trained with one seed."""

    network: str
    seed: int
    folder: Path

    @property
    def finished(self) -> bool:
        return (self.folder / SCORES).exists()

    @property
    def checkpoint(self) -> Path:
        return self.folder / BEST

    def evaluation(self) -> Evaluation:
        """Raises OutputError where the file was changed by other hands."""
        path = self.folder / SCORES
        try:
            return Evaluation.model_validate_json(path.read_text(encoding="utf-8"))
        except ValidationError as error:
            raise OutputError(f"{path} holds no scores; remove the folder {self.folder} to do it again") from error


@dataclass(frozen=True)
class Experiment:
    """An experiment that is open: its settings are those in its folder."""

    data: Path
    manifest: Manifest
    out: Path
    settings: ExperimentSettings

    def run(self, network: str, seed: int) -> Run:
        return Run(network, seed, self.out / RUNS / f"{network}-{seed}")

    def finished(self) -> Iterator[Run]:
        """All runs that are there, whoever asked for them."""
        for path in sorted((self.out / RUNS).glob(f"*/{SCORES}")):
            network, _, seed = path.parent.name.rpartition("-")
            yield self.run(network, int(seed))

    def first_runs(self) -> list[Run]:
        """The finished run of the smallest seed of each network."""
        first: dict[str, Run] = {}
        for run in sorted(self.finished(), key=lambda run: run.seed):
            first.setdefault(run.network, run)
        return [first[name] for name in NETWORKS if name in first]


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
    try:
        settings = ExperimentSettings.model_validate_json((out / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise OutputError(f"{out} holds no experiment; make one with `manet benchmark paper`") from error
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
    if (run.folder / RECIPE).exists() and not (run.folder / STATE).exists():
        if run.checkpoint.exists():
            return  # trained, not yet evaluated
        raise TrainingError(f"{run.folder} has neither {STATE} nor {BEST}; remove the folder to do it again")
    train(
        experiment.data,
        _with(experiment.settings.recipe, run.network, run.seed),
        run.folder,
        resume=(run.folder / STATE).exists(),
        workers=workers,
        device=device,
        callbacks=callbacks,
        say=say,
    )
    (run.folder / STATE).unlink()  # three times the weights, and of no more use


def evaluate_run(experiment: Experiment, run: Run, device: torch.device, advance: Advance) -> Evaluation:
    """Score one network's best epoch and write its scores, with which the run is finished."""
    settings = experiment.settings
    predictor = window_context(experiment, run, device)
    prediction = PredictionSettings(window=settings.window, overlap=settings.overlap)
    evaluation = evaluate(
        lambda scene, area: predictor.predict(scene, area, advance),
        experiment.data,
        experiment.manifest,
        settings.split,
        prediction,
    )
    with filling(run.folder, overwrite=True) as partial:
        write_scores(evaluation, partial)
    return evaluation


def window_context(experiment: Experiment, run: Run, device: torch.device) -> WindowContext:
    """The run's network, predicting every window by itself, which all networks can."""
    settings = experiment.settings
    tiling = Tiling(settings.window, settings.overlap)
    return WindowContext(load(run.checkpoint).to(device), len(experiment.manifest.legend), tiling, device)


def windows(experiment: Experiment) -> int:
    """How many an evaluation takes."""
    tiling = Tiling(experiment.settings.window, experiment.settings.overlap)
    areas = areas_of(experiment.manifest, experiment.settings.split)
    return sum(len(tiling.windows(area.window)) for area in areas)
