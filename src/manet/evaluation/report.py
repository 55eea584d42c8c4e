"""Evaluations as files: written, and read again."""

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from manet.errors import DatasetError, DatasetNotFoundError
from manet.evaluation.about import ABOUT
from manet.evaluation.figures import draw_confusion, draw_objects
from manet.evaluation.gallery import INDEX
from manet.evaluation.objects import SizeScores
from manet.evaluation.scoring import Evaluation
from manet.files import refuse_existing, staging
from manet.wrong_values import explain

SCORES, ROWS, CONFUSION, GRID = "scores.json", "scores.csv", "confusion.png", "protocols.csv"
PAGE = "report.html"
SIZES, SIZES_FIGURE = "objects.csv", "objects.png"
PROTOCOLS, ERRORS, PICTURES = "protocols", "errors", "pictures"
"""Folders: one evaluation per protocol; error maps; pictures of areas and windows."""

OUTPUTS = (
    SCORES,
    ROWS,
    CONFUSION,
    GRID,
    SIZES,
    SIZES_FIGURE,
    f"{PROTOCOLS}/*.json",
    f"{ERRORS}/*.tif*",
    f"{ERRORS}/*.qml",
    f"{ERRORS}/*.png",
    f"{PICTURES}/*.png",
    f"{PICTURES}/{INDEX}",
    ABOUT,
    PAGE,
)
"""Everything that an evaluation can leave in its folder; nothing else there is ever touched."""


@contextmanager
def filling(out: Path, overwrite: bool = False) -> Iterator[Path]:
    """A temporary folder next to `out`; if nothing fails, its files replace those of an earlier evaluation in `out`.

    Raises:
        OutputError: `out` holds an evaluation that is not to be replaced, or cannot be written.
    """
    refuse_earlier(out, overwrite)
    with staging(out) as partial:
        yield partial
        written = sorted(path.relative_to(partial) for path in partial.rglob("*") if path.is_file())
        for stale in {path.relative_to(out) for path in _earlier(out)} - set(written):
            (out / stale).unlink()
        for path in written:
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            os.replace(partial / path, out / path)


def refuse_earlier(out: Path, overwrite: bool) -> None:
    """Raises OutputError if there is an evaluation already, or if nothing can be written."""
    for path in (out / SCORES, *_earlier(out)):
        refuse_existing(path, overwrite)


def _earlier(out: Path) -> list[Path]:
    return [path for pattern in OUTPUTS for path in out.glob(pattern)]


def write_scores(evaluation: Evaluation, out: Path) -> None:
    """Write `scores.json` with everything, `scores.csv` by class, and `objects.csv` by class and size of objects."""
    (out / SCORES).write_text(evaluation.model_dump_json(indent=1), encoding="utf-8")
    boundary = evaluation.boundary
    names = ["precision", "recall", "f1", "iou"]
    with (out / ROWS).open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["class", *names, "pixels", *(f"boundary_{name}" for name in names if boundary)])
        for name, c in evaluation.scores.classes.items():
            more = [getattr(boundary.classes[name], measure) for measure in names] if boundary else []
            rows.writerow([name, *(getattr(c, measure) for measure in names), c.pixels, *more])
    if evaluation.objects is None:
        return
    with (out / SIZES).open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["class", *SizeScores.model_fields])
        for name, sizes in evaluation.objects.items():
            rows.writerows([name, *size.model_dump().values()] for size in sizes)


def write_evaluations(evaluations: Sequence[Evaluation], out: Path, gsd_m: float | None) -> list[str]:
    """Everything that is written of an evaluation, the first of several protocols being the chosen one.

    Returns:
        What was written, as names in `out`; folders end in a slash.
    """
    first = evaluations[0]
    write_scores(first, out)
    draw_confusion(first, out / CONFUSION)
    names = [SCORES, ROWS, CONFUSION]
    if first.objects is not None:
        draw_objects(first.objects, gsd_m, out / SIZES_FIGURE)
        names += [SIZES, SIZES_FIGURE]
    if len(evaluations) > 1:
        write_protocols(evaluations, out)
        names += [GRID, f"{PROTOCOLS}/"]
    return names + [f"{name}/" for name in (ERRORS, PICTURES) if (out / name).is_dir()]


def write_protocols(evaluations: Sequence[Evaluation], out: Path) -> None:
    """Write `protocols/` with a file like scores.json for each protocol, and `protocols.csv` with one row for each."""
    (out / PROTOCOLS).mkdir()
    with (out / GRID).open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["labels", "foreground", "augmentation", "overall_accuracy", "mean_f1", "mean_iou"])
        for evaluation in evaluations:
            protocol, s = evaluation.protocol, evaluation.scores
            (out / PROTOCOLS / f"{protocol.name}.json").write_text(
                evaluation.model_dump_json(indent=1), encoding="utf-8"
            )
            means = s.overall_accuracy, s.mean_f1, s.mean_iou
            rows.writerow([protocol.labels, len(protocol.foreground), protocol.augmentation, *means])


def read_scores(path: Path) -> Evaluation:
    """The evaluation in a file, or in the scores.json of a folder; also those of earlier versions.

    Raises:
        DatasetNotFoundError: There is no such file.
        DatasetError: It holds no evaluation.
    """
    file = path / SCORES if path.is_dir() else path
    try:
        return Evaluation.model_validate_json(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DatasetNotFoundError(
            f"{file} cannot be read ({error.strerror}); give the {SCORES} of an evaluation"
        ) from error
    except ValueError as error:
        reason = explain(error, Evaluation) if isinstance(error, ValidationError) else str(error)
        raise DatasetError(f"{file} is not the {SCORES} of an evaluation ({reason})") from error
