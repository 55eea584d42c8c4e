"""Climbing the ladder: every rung is trained and scored once, and an interrupted ablation can be resumed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from lightning.pytorch.callbacks import Callback
from pydantic import BaseModel, ConfigDict

from manet.datasets.manifest import MANIFEST, read_manifest
from manet.errors import OutputError
from manet.files import replacing, sha256
from manet.paper.ablation.ladder import BASE, Ladder
from manet.paper.comparison.experiment import train_once
from manet.progress import QUIET, Progress
from manet.recipe import Recipe, read_recipe
from manet.run_folder import read_log
from manet.training.run import LOG

SETTINGS = "ablation.json"


class AblationSettings(BaseModel):
    """What an ablation tries, and on which dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    manifest: str
    """SHA-256 of the dataset's manifest."""
    ladder: Ladder


@dataclass(frozen=True)
class Rung:
    """A recipe on the way: the base, or what was kept so far with one more change."""

    name: str
    set: tuple[str, ...]
    """All changes to the base, each as KEY=VALUE."""
    added: tuple[str, ...]
    """Those that this rung adds."""
    scores: tuple[float, ...]
    """Mean IoU on the validation split at the best epoch, 0 to 1, one value per seed."""
    seconds: float
    """Time of training with validation, mean over the seeds."""
    gain: float
    """Points of mean IoU over what had been kept before, 0 to 1."""

    @property
    def kept(self) -> bool:
        """Whether the mean over the seeds has risen."""
        return self.gain > 0


def open_ablation(data: Path, out: Path, ladder: Ladder) -> AblationSettings:
    """Start an ablation, or open the one in `out` to resume it.

    Args:
        data: Folder of the prepared dataset.
        out: Folder of the ablation.
        ladder: What is tried.

    Raises:
        OutputError: `out` holds another ablation, one of other data, or something else.
    """
    manifest = read_manifest(data)
    settings = AblationSettings(dataset=manifest.dataset, manifest=sha256(data / MANIFEST), ladder=ladder)
    if (out / SETTINGS).exists():
        if read_ablation(out) != settings:
            raise OutputError(
                f"{out} holds another ablation, or one of other data; give the same ladder and data, or another folder"
            )
    elif out.exists() and any(out.iterdir()):
        raise OutputError(f"{out} is not empty and holds no ablation; give another folder")
    else:
        with replacing(out / SETTINGS) as partial:
            partial.write_text(settings.model_dump_json(indent=1), encoding="utf-8")
    return settings


def read_ablation(out: Path) -> AblationSettings:
    """The settings of the ablation in a folder. Raises OutputError if there is none."""
    try:
        return AblationSettings.model_validate_json((out / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OutputError(f"{out} holds no ablation; give the folder of one") from error


def climb(settings: AblationSettings, train: Callable[[str, int, Recipe], Path | None]) -> Iterator[Rung]:
    """The rungs in their order.

    Args:
        settings: What is tried.
        train: Takes a rung's name, a seed and a recipe, and returns the folder of the run, or None to stop there.
    """
    ladder, kept, best = settings.ladder, settings.ladder.set, 0.0
    for name, added in ((BASE, ()), *((change.name, change.set) for change in ladder.change)):
        changes, logs = (*kept, *added), []
        for seed in ladder.seeds:
            folder = train(name, seed, read_recipe(ladder.base, [*changes, f"training.seed={seed}"]))
            if folder is None:
                return
            logs.append(read_log(folder / LOG))
        scores = tuple(max(float(row["validation/mean_iou"]) for row in log) for log in logs)
        seconds = fmean(sum(float(row["seconds"]) for row in log) for log in logs)
        rung = Rung(name, changes, added, scores, seconds, fmean(scores) - best)
        if rung.kept:
            kept, best = changes, fmean(scores)
        yield rung


def run_ablation(
    data: Path,
    out: Path,
    settings: AblationSettings,
    *,
    workers: int,
    device: str,
    watch: Callable[[], AbstractContextManager[Callback]],
    progress: Progress = QUIET,
) -> Iterator[Rung]:
    """Train what has not been trained yet, rung by rung.

    Args:
        data: Folder of the prepared dataset.
        out: Folder of the ablation.
        settings: Of `open_ablation`.
        workers: Processes that read patches.
        device: auto, cpu, cuda or mps.
        watch: Gives a callback for each training, as a context around it.
        progress: Is told which training begins.
    """

    def train(name: str, seed: int, recipe: Recipe) -> Path:
        folder = _run(out, name, seed)
        progress.note(f"{name}, seed {seed}")
        with watch() as callback:
            train_once(data, recipe, folder, workers=workers, device=device, callbacks=[callback], progress=progress)
        return folder

    return climb(settings, train)


def finished_rungs(out: Path) -> list[Rung]:
    """The rungs that an ablation has finished, from its files only."""

    def finished(name: str, seed: int, recipe: Recipe) -> Path | None:
        folder = _run(out, name, seed)
        return folder if _has_ended(read_log(folder / LOG), recipe) else None

    return list(climb(read_ablation(out), finished))


def _has_ended(log: Sequence[Mapping[str, str]], recipe: Recipe) -> bool:
    if not log:
        return False
    best, last = max(log, key=lambda row: float(row["validation/mean_iou"])), int(log[-1]["epoch"])
    patience = recipe.training.patience
    return last == recipe.training.epochs or (patience is not None and last - int(best["epoch"]) >= patience)


def _run(out: Path, name: str, seed: int) -> Path:
    return out / "runs" / f"{name}-{seed}"
