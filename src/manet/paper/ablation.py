"""An ablation: one change at a time to a recipe, scored on the validation split; a change that helps is kept."""

import csv
import hashlib
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

from lightning.pytorch.callbacks import Callback
from matplotlib.figure import Figure
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from manet.datasets.manifest import MANIFEST, read_manifest
from manet.errors import OutputError, RecipeError
from manet.files import replacing
from manet.paper.comparison.experiment import train_once
from manet.recipe import Recipe, read_recipe
from manet.tables import TextTable
from manet.training.log import read_log
from manet.training.run import LOG, Say

SETTINGS, TABLE, ROWS, FIGURE = "ablation.json", "ablation.md", "ablation.csv", "ablation.png"
BASE = "base"


class Change(BaseModel):
    """Settings that are changed together, in the form of `manet train --set`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    set: tuple[str, ...] = Field(min_length=1)

    @field_validator("name")
    @classmethod
    def _is_a_folder(cls, name: str) -> str:
        if not re.fullmatch(r"[a-z0-9_-]+", name) or name == BASE:
            raise ValueError(f"'{name}' is no name of a change; take small letters, digits and dashes, and not {BASE}")
        return name


class Ladder(BaseModel):
    """What is tried, in order: each change on top of those before it that were kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str
    """A recipe that comes with manet, or a TOML file."""
    set: tuple[str, ...] = ()
    """What is changed of the base before anything is measured."""
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
    """Each rung is trained with every one; their mean decides."""
    change: tuple[Change, ...] = Field(min_length=1)


class Settings(BaseModel):
    """What an ablation's folder is of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    manifest: str
    """SHA-256 of the dataset's manifest."""
    ladder: Ladder


@dataclass(frozen=True)
class Rung:
    """A recipe on the way: the base, or what was kept with one change more."""

    name: str
    set: tuple[str, ...]
    """All changes to the base."""
    added: tuple[str, ...]
    scores: tuple[float, ...]
    """Mean IoU on the validation split at the best epoch, 0 to 1, a value a seed."""
    seconds: float
    """Of training with its validation, mean over the seeds."""
    gain: float
    """Over what had been kept before, 0 to 1."""

    @property
    def kept(self) -> bool:
        return self.gain > 0


def read_ladder(path: Path) -> Ladder:
    """Raises RecipeError where a file is no ladder, or where a rung's recipe would not be valid."""
    try:
        ladder = Ladder.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise RecipeError(
            f"{path} cannot be read ({error.strerror}); give a TOML file with base and [[change]]"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise RecipeError(f"{path}: {place}: {first['msg']}; a ladder has base, set, seeds and [[change]]") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not TOML ({error}); correct it there") from error
    names = [change.name for change in ladder.change]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise RecipeError(f"{path} has several changes called {', '.join(twice)}; give each a name of its own")
    for change in ladder.change:
        read_recipe(ladder.base, [*ladder.set, *change.set])
    return ladder


def open_ablation(data: Path, out: Path, ladder: Ladder) -> Settings:
    """Start an ablation, or go on with the one in `out`. Raises OutputError where `out` holds something else."""
    manifest = read_manifest(data)
    digest = hashlib.sha256((data / MANIFEST).read_bytes()).hexdigest()
    settings = Settings(dataset=manifest.dataset, manifest=digest, ladder=ladder)
    if (out / SETTINGS).exists():
        if read_ablation(out) != settings:
            raise OutputError(f"{out} holds another ablation, or one of other data; give the same, or another folder")
    elif out.exists() and any(out.iterdir()):
        raise OutputError(f"{out} is not empty and holds no ablation; give another folder")
    else:
        with replacing(out / SETTINGS) as partial:
            partial.write_text(settings.model_dump_json(indent=1), encoding="utf-8")
    return settings


def read_ablation(out: Path) -> Settings:
    """Raises OutputError where a folder holds no ablation."""
    try:
        return Settings.model_validate_json((out / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise OutputError(f"{out} holds no ablation; make one with `manet benchmark ablation`") from error


def climb(settings: Settings, train: Callable[[str, int, Recipe], Path | None]) -> Iterator[Rung]:
    """The rungs in their order. train: gives a run's folder by name, seed and recipe, or None to end there."""
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
    settings: Settings,
    *,
    workers: int,
    device: str,
    progress: Callable[[], AbstractContextManager[Callback]],
    say: Say,
) -> Iterator[Rung]:
    """Train what is not trained yet, rung by rung. progress: a callback for each training."""

    def train(name: str, seed: int, recipe: Recipe) -> Path:
        folder = _run(out, name, seed)
        say(f"{name}, seed {seed}")
        with progress() as callback:
            train_once(data, recipe, folder, workers=workers, device=device, callbacks=[callback], say=say)
        return folder

    return climb(settings, train)


def finished_rungs(out: Path) -> list[Rung]:
    """Of an ablation's files alone, up to where it has come."""

    def there(name: str, seed: int, recipe: Recipe) -> Path | None:
        folder = _run(out, name, seed)
        return folder if _has_ended(read_log(folder / LOG), recipe) else None

    return list(climb(read_ablation(out), there))


def _has_ended(log: Sequence[Mapping[str, str]], recipe: Recipe) -> bool:
    if not log:
        return False
    best, last = max(log, key=lambda row: float(row["validation/mean_iou"])), int(log[-1]["epoch"])
    patience = recipe.training.patience
    return last == recipe.training.epochs or (patience is not None and last - int(best["epoch"]) >= patience)


def _run(out: Path, name: str, seed: int) -> Path:
    return out / "runs" / f"{name}-{seed}"


def write_ablation(out: Path) -> tuple[TextTable, list[Path]]:
    """The table, its rows and its picture, of the finished rungs. Raises OutputError where there is none."""
    settings, rungs = read_ablation(out), finished_rungs(out)
    if not rungs:
        raise OutputError(f"{out} has no finished run yet; go on with `manet benchmark ablation`")
    table = ablation_table(settings, rungs)
    with replacing(out / TABLE, overwrite=True) as partial:
        lines = ["# One change at a time", "", *table.markdown(), f"![Gains]({FIGURE})", ""]
        partial.write_text("\n".join(lines), encoding="utf-8")
    with replacing(out / ROWS, overwrite=True) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["change", "kept", "gain", "seconds", *(f"mIoU {seed}" for seed in settings.ladder.seeds), "set"])
        for rung in rungs:
            rows.writerow([rung.name, rung.kept, rung.gain, rung.seconds, *rung.scores, " ".join(rung.set)])
    _draw(rungs, out / FIGURE)
    return table, [out / name for name in (TABLE, ROWS, FIGURE)]


def ablation_table(settings: Settings, rungs: Sequence[Rung]) -> TextTable:
    """A row a rung, in percent."""
    rows = []
    for rung in rungs:
        spread = f" ± {100 * stdev(rung.scores):.2f}" if len(rung.scores) > 1 else ""
        rows.append(
            (
                rung.name,
                ", ".join(rung.added or settings.ladder.set) or settings.ladder.base,
                f"{100 * fmean(rung.scores):.2f}{spread}",
                f"{100 * rung.gain:+.2f}" if rung.name != BASE else "",
                "kept" if rung.kept else "",
                f"{rung.seconds / 60:.1f}",
            )
        )
    seeds = len(settings.ladder.seeds)
    notes = (
        f"Base: {settings.ladder.base}. Each change is made on top of those above it that were kept, and kept where "
        f"the mean over {seeds} seed{'s' * (seeds > 1)} rises. Scores of the validation split at the best epoch.",
    )
    columns = ("change", "settings", "mIoU", "gain", "", "min a run")
    return TextTable(f"{settings.dataset}, validation split, %", columns, rows, notes)


def _draw(rungs: Sequence[Rung], out: Path) -> None:
    figure = Figure(figsize=(8, 0.6 + 0.4 * len(rungs)), layout="constrained")
    axes = figure.subplots()
    for place, rung in enumerate(rungs):
        colour = "tab:blue" if rung.kept else "0.65"
        axes.plot([100 * score for score in rung.scores], [place] * len(rung.scores), "o", color=colour, alpha=0.6)
        axes.plot(100 * fmean(rung.scores), place, "|", color=colour, markersize=16, markeredgewidth=2)
    axes.set(xlabel="mean IoU on the validation split, % (blue: kept)")
    axes.set_yticks(range(len(rungs)), [rung.name for rung in rungs])
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    with replacing(out, overwrite=True) as partial:
        figure.savefig(partial, dpi=120)
