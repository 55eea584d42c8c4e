"""What a report is made from: the folders of runs and evaluations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from manet.card import Card, read_card
from manet.errors import CheckpointError, DatasetNotFoundError
from manet.evaluation.about import About, read_about
from manet.evaluation.gallery import GalleryPicture, read_gallery
from manet.evaluation.report import PICTURES, PROTOCOLS, SCORES, read_scores
from manet.evaluation.scoring import Evaluation
from manet.files import choices
from manet.find_model import BEST
from manet.recipe import Recipe
from manet.run_folder import LOG, RECIPE, read_kept_recipe, read_log


@dataclass(frozen=True)
class EvaluationFolder:
    """An evaluation, as it lies in its folder."""

    name: str
    folder: Path
    evaluation: Evaluation
    about: About | None
    pictures: list[GalleryPicture]
    protocols: list[Evaluation]
    """Under all protocols, if it was taken under several."""


@dataclass(frozen=True)
class RunFolder:
    """A training run, as it lies in its folder."""

    name: str
    folder: Path
    recipe: Recipe
    log: list[dict[str, str]]
    """One row per epoch."""
    card: Card | None
    """Of the best epoch; None if there is none yet."""
    about: About | None


@dataclass(frozen=True)
class Sources:
    """Runs and evaluations in the order in which they were given; those in a run's folder come after the run."""

    runs: list[RunFolder] = field(default_factory=list)
    evaluations: list[EvaluationFolder] = field(default_factory=list)


def read_sources(paths: Sequence[Path], names: Sequence[str]) -> Sources:
    """What is in some folders.

    Args:
        paths: Folders of runs or evaluations, or files of scores.
        names: What each is called in the report.

    Raises:
        DatasetNotFoundError: A folder holds neither a run nor an evaluation.
        DatasetError: A file of scores is none.
    """
    sources = Sources()
    for path, name in zip(paths, names, strict=True):
        found = False
        if (path / RECIPE).is_file():
            sources.runs.append(_run(path, name))
            found = True
        for folder in _evaluated(path):
            inner = folder.relative_to(path).as_posix() if path.is_dir() else "."
            sources.evaluations.append(_evaluation(folder, name if inner == "." else f"{name}/{inner}"))
            found = True
        if not found:
            there = choices(SCORES, sorted(each.name for each in path.iterdir())) if path.is_dir() else "nothing"
            raise DatasetNotFoundError(
                f"{path} holds neither a run ({RECIPE}) nor an evaluation ({SCORES}); there is {there}"
            )
    return sources


def _evaluated(path: Path) -> Iterator[Path]:
    """The folders of evaluations: the path itself, or those in it."""
    if path.is_file():
        yield path.parent
    elif (path / SCORES).is_file():
        yield path
    elif path.is_dir():
        yield from sorted(file.parent for file in path.glob(f"*/{SCORES}"))


def _evaluation(folder: Path, name: str) -> EvaluationFolder:
    return EvaluationFolder(
        name=name,
        folder=folder,
        evaluation=read_scores(folder),
        about=read_about(folder),
        pictures=[p for p in read_gallery(folder / PICTURES) if (folder / PICTURES / p.file).is_file()],
        protocols=[read_scores(path) for path in sorted((folder / PROTOCOLS).glob("*.json"))],
    )


def _run(folder: Path, name: str) -> RunFolder:
    recipe = read_kept_recipe(folder)
    try:
        card = read_card(folder / BEST)
    except CheckpointError:
        card = None
    return RunFolder(name, folder, recipe, read_log(folder / LOG), card, read_about(folder))
