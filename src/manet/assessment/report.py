"""An assessment as files: numbers as JSON and CSV, and a page with a picture, as Markdown and as HTML."""

import csv
import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from manet.assessment.accuracy import Assessment
from manet.assessment.quantity import Estimate
from manet.assessment.tables import HECTARE_M2, REFERENCES, about_intervals, all_tables, markdown, sentence
from manet.files import refuse_existing, staging
from manet.page.of_tables import page_of_tables

DOCUMENT, CLASSES, MATRIX, PAGE, FIGURE = "assessment.json", "classes.csv", "matrix.csv", "report.md", "areas.png"
HTML = "report.html"
FILES = (DOCUMENT, CLASSES, MATRIX, PAGE, HTML, FIGURE)

ESTIMATED, MAPPED = "#1b6ca8", "#d95f02"


def write_assessment(assessment: Assessment, out: str | Path, *, overwrite: bool = False) -> list[str]:
    """Write an assessment into a folder; nothing is there unless all is.

    Args:
        assessment: What was estimated.
        out: Folder.
        overwrite: Whether the files of an earlier assessment are replaced.

    Returns:
        The names of the files.

    Raises:
        OutputError: A file exists and is not to be overwritten, or cannot be written.
    """
    folder = Path(out)
    refuse_earlier(folder, overwrite)
    with staging(folder) as partial:
        (partial / DOCUMENT).write_text(_document(assessment), encoding="utf-8")
        _write_rows(partial / CLASSES, _class_rows(assessment))
        _write_rows(partial / MATRIX, _matrix_rows(assessment))
        draw_areas(assessment, partial / FIGURE)
        (partial / PAGE).write_text(markdown(assessment, FIGURE), encoding="utf-8")
        page = page_of_tables(
            "Accuracy and areas",
            all_tables(assessment),
            about=[sentence(assessment), *assessment.notes, about_intervals(assessment)],
            pictures={"Mapped and estimated areas": partial / FIGURE},
            references=REFERENCES,
        )
        page.write(partial / HTML)
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            os.replace(partial / name, folder / name)
    return list(FILES)


def refuse_earlier(folder: Path, overwrite: bool) -> None:
    """Raises OutputError if there is an assessment already that is not to be replaced, or nothing can be written."""
    for name in FILES:
        refuse_existing(folder / name, overwrite)


def _document(assessment: Assessment) -> str:
    fields = asdict(assessment)
    if math.isinf(assessment.degrees):
        fields["degrees"] = None
    return json.dumps(fields, indent=1, ensure_ascii=False) + "\n"


def _class_rows(assessment: Assessment) -> list[list[Any]]:
    quantities = ("users_accuracy", "producers_accuracy", "share", "area_m2", "area_ha")
    parts = ("", "_standard_error", "_low", "_high")
    rows: list[list[Any]] = [
        ["class", *(f"{q}{part}" for q in quantities for part in parts), "mapped_share", "mapped_m2"]
    ]
    for c in assessment.classes:
        hectares = None if c.area_m2 is None else c.area_m2.times(1 / HECTARE_M2)
        values = [v for e in (c.users, c.producers, c.share, c.area_m2, hectares) for v in _values(e)]
        rows.append([c.name, *values, c.mapped_share, c.mapped_m2])
    return rows


def _matrix_rows(assessment: Assessment) -> list[list[Any]]:
    names = [c.name for c in assessment.classes]
    rows: list[list[Any]] = [["mapped", "reference", "count", "share"]]
    for mapped, counts, shares in zip(names, assessment.counts, assessment.shares, strict=True):
        rows += [list(row) for row in zip([mapped] * len(names), names, counts, shares, strict=True)]
    return rows


def _values(estimate: Estimate | None) -> Sequence[float | None]:
    return (None,) * 4 if estimate is None else (estimate.value, estimate.standard_error, estimate.low, estimate.high)


def _write_rows(path: Path, rows: list[list[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def draw_areas(assessment: Assessment, path: Path) -> None:
    """Write a picture of mapped and estimated areas, with intervals, as a PNG."""
    classes = [c for c in assessment.classes if c.share.value > 0 or c.mapped_share > 0]
    surface = assessment.surface_m2
    in_hectares = surface is not None and surface >= HECTARE_M2
    unit = 100.0 if surface is None else surface / (HECTARE_M2 if in_hectares else 1)
    figure = Figure(figsize=(8, 1.4 + 0.5 * len(classes)), layout="constrained")
    axis = figure.subplots()
    at = list(range(len(classes)))
    values = [c.share.value * unit for c in classes]
    reach = [
        [0 if end is None else abs(end - c.share.value) * unit for c, end in zip(classes, ends, strict=True)]
        for ends in ([c.share.low for c in classes], [c.share.high for c in classes])
    ]
    axis.errorbar(
        values, at, xerr=reach, fmt="o", color=ESTIMATED, capsize=4, label="estimated, with 95 % interval", zorder=3
    )
    axis.plot(
        [c.mapped_share * unit for c in classes],
        at,
        "D",
        color=MAPPED,
        markerfacecolor="none",
        label="mapped",
        zorder=2,
    )
    axis.set_yticks(at, [c.name for c in classes])
    axis.invert_yaxis()
    axis.set_xlim(left=0)
    axis.set_xlabel("% of the ground" if surface is None else "ha" if in_hectares else "m²")
    axis.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper right", ncols=2, frameon=False)
    figure.savefig(path, dpi=130)
