"""What an experiment leaves in its folder: settings, and runs with their scores. They are read without any data."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from manet.datasets.manifest import Split
from manet.errors import OutputError
from manet.evaluation.report import SCORES
from manet.evaluation.scoring import Evaluation
from manet.networks import NETWORKS
from manet.paper.comparison.facts import FILE as FACTS
from manet.paper.comparison.facts import Facts
from manet.recipe import Recipe
from manet.training.run import BEST

SETTINGS, RUNS = "experiment.json", "runs"


class ExperimentSettings(BaseModel):
    """What all runs of an experiment share. Networks and seeds may be added later; these settings may not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    manifest: str
    """SHA-256 of the dataset's manifest."""
    recipe: Recipe
    """The recipe of all runs, but for the network's name and the seed."""
    split: Split
    """The split that is scored."""
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
        """Whether it has been trained and scored."""
        return (self.folder / SCORES).exists()

    @property
    def checkpoint(self) -> Path:
        """The best epoch."""
        return self.folder / BEST

    def evaluation(self) -> Evaluation:
        """The scores. Raises OutputError if the file holds none, because something else changed it."""
        path = self.folder / SCORES
        try:
            return Evaluation.model_validate_json(path.read_text(encoding="utf-8"))
        except ValidationError as error:
            raise OutputError(f"{path} holds no scores; remove the folder {self.folder} to repeat the run") from error

    def facts(self) -> Facts | None:
        """The facts; None for runs of earlier versions, which kept none. Raises OutputError if they are damaged."""
        path = self.folder / FACTS
        try:
            return Facts.model_validate_json(path.read_text(encoding="utf-8")) if path.exists() else None
        except (OSError, ValueError) as error:
            raise OutputError(f"{path} is damaged; take the run's folder out, and it will be run again") from error


def read_settings(out: Path) -> ExperimentSettings:
    """The settings of an experiment. Raises OutputError if the folder holds none."""
    try:
        return ExperimentSettings.model_validate_json((out / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OutputError(f"{out} holds no experiment; give the folder of one") from error


def run_of(out: Path, network: str, seed: int) -> Run:
    """A run of an experiment, whether or not it exists."""
    return Run(network, seed, out / RUNS / f"{network}-{seed}")


def finished_runs(out: Path) -> Iterator[Run]:
    """All finished runs in an experiment's folder, whenever they were made."""
    for path in sorted((out / RUNS).glob(f"*/{SCORES}")):
        network, _, seed = path.parent.name.rpartition("-")
        yield run_of(out, network, int(seed))


def first_runs(out: Path) -> list[Run]:
    """For each network, the finished run with the smallest seed."""
    first: dict[str, Run] = {}
    for run in sorted(finished_runs(out), key=lambda run: run.seed):
        first.setdefault(run.network, run)
    return [first[name] for name in NETWORKS if name in first]
