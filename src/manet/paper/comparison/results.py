"""What an experiment leaves in its folder: settings, and runs with their scores, which need no data to be read."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from manet.datasets.manifest import Split
from manet.errors import OutputError
from manet.evaluation.evaluate import Evaluation
from manet.evaluation.report import SCORES
from manet.networks import NETWORKS
from manet.paper.comparison.facts import FILE as FACTS
from manet.paper.comparison.facts import Facts
from manet.recipe import Recipe
from manet.training.run import BEST

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

    def facts(self) -> Facts | None:
        """None for runs of versions that kept none."""
        path = self.folder / FACTS
        return Facts.model_validate_json(path.read_text(encoding="utf-8")) if path.exists() else None


def read_settings(out: Path) -> ExperimentSettings:
    """Raises OutputError where a folder holds no experiment."""
    try:
        return ExperimentSettings.model_validate_json((out / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise OutputError(f"{out} holds no experiment; make one with `manet benchmark paper`") from error


def run_of(out: Path, network: str, seed: int) -> Run:
    """A run of an experiment, there or not."""
    return Run(network, seed, out / RUNS / f"{network}-{seed}")


def finished_runs(out: Path) -> Iterator[Run]:
    """All runs that are there, whoever asked for them."""
    for path in sorted((out / RUNS).glob(f"*/{SCORES}")):
        network, _, seed = path.parent.name.rpartition("-")
        yield run_of(out, network, int(seed))


def first_runs(out: Path) -> list[Run]:
    """The finished run of the smallest seed of each network."""
    first: dict[str, Run] = {}
    for run in sorted(finished_runs(out), key=lambda run: run.seed):
        first.setdefault(run.network, run)
    return [first[name] for name in NETWORKS if name in first]
