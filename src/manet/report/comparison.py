"""The sections of a page that put runs and evaluations side by side."""

from collections.abc import Mapping, Sequence

from manet.evaluation.about import About
from manet.evaluation.comparison import differences, score_rows
from manet.evaluation.report import PICTURES
from manet.page.charts import line_chart
from manet.page.document import Page
from manet.page.parts import Cell, Share, facts, heading, notice, paragraph, picture, table
from manet.report.run_sections import curves, flat, run_figures
from manet.report.sources import EvaluationFolder, RunFolder

ERROR_SCORES = ("expected calibration error",)
"""Scores of which less is better."""


def compare_runs(page: Page, runs: list[RunFolder]) -> None:
    """Add the curves of several runs in one chart each, their main figures, and the settings that differ."""
    figures = [run_figures(run) for run in runs]
    names = list(dict.fromkeys(name for one in figures for name in one))
    rows: list[list[Cell]] = [
        [run.name, *(one.get(name, "-") for name in names)] for run, one in zip(runs, figures, strict=True)
    ]
    page.section("Training", table(["run", *names], rows), curves(runs))
    different = _different([flat(run.recipe) for run in runs])
    columns = ["setting", *(run.name for run in runs)]
    same = paragraph("All settings are the same.", quiet=True)
    page.section("Settings that differ", table(columns, different) if different else same)


def compare_evaluations(page: Page, sources: list[EvaluationFolder]) -> None:
    """Add scores side by side, group by group: evaluations of one split of one dataset."""
    groups: dict[str, list[EvaluationFolder]] = {}
    for source in sources:
        protocol = source.evaluation.protocol
        groups.setdefault(f"{protocol.dataset}, {protocol.split} split", []).append(source)
    for title, group in groups.items():
        words = f"Scores: {title}"
        if len(group) == 1:
            page.section(words, paragraph(f"{group[0].name} is the only evaluation of this split."), _scores(group))
        else:
            page.section(words, *_warnings(group), _scores(group), _reliability(group), _pictures(group))
    known = [(source.name, source.about) for source in sources if source.about]
    page.section("Model, data and machine", _facts([name for name, _ in known], [about for _, about in known]))


def _warnings(group: Sequence[EvaluationFolder]) -> list[str]:
    """What makes scores different quantities."""
    first, found = group[0], []
    for other in group[1:]:
        if unlike := differences(first.evaluation, other.evaluation):
            found.append(
                notice(
                    f"{first.name} and {other.name} are not scored alike ({'; '.join(unlike)}): such scores are "
                    "different quantities."
                )
            )
    return found


def _scores(group: Sequence[EvaluationFolder]) -> str:
    rows: list[list[Cell]] = []
    values = score_rows([source.evaluation for source in group])
    values["expected calibration error"] = [
        source.evaluation.calibration.error if source.evaluation.calibration else None for source in group
    ]
    for name, scores in values.items():
        known = [value for value in scores if value is not None]
        if not known:
            continue
        best = min(known) if name in ERROR_SCORES else max(known)
        marked = [Share(value, mark=value == best and len(known) > 1 and min(known) < max(known)) for value in scores]
        rows.append([name, *marked])
    return table(
        ["score, %", *(source.name for source in group)],
        rows,
        notes=["The best of each row is bold."] * (len(group) > 1),
    )


def _reliability(group: Sequence[EvaluationFolder]) -> str:
    series = {
        source.name: [(100 * (b.confidence or 0), 100 * b.accuracy) for b in calibration.bins if b.accuracy is not None]
        for source in group
        if (calibration := source.evaluation.calibration)
    }
    return line_chart(
        series,
        x="largest probability, %",
        y="right, %",
        title="Reliability: what is right by how sure the network is; dashed: perfect",
        limits=(0, 100),
        diagonal=True,
    )


def _pictures(group: Sequence[EvaluationFolder]) -> str:
    """The first area of each."""
    parts = []
    for source in group:
        area = next((each for each in source.pictures if each.kind == "area"), None)
        if area:
            parts += [heading(source.name), picture(source.folder / PICTURES / area.file, area.title, whole=True)]
    return "".join(parts)


def _facts(names: Sequence[str], known: Sequence[About]) -> str:
    """What is the same for all, and what is not."""
    if not known:
        return ""
    flattened = [
        {
            f"{part}: {name}": value
            for part in ("model", "data", "machine")
            for name, value in getattr(one, part).items()
        }
        for one in known
    ]
    different = _different(flattened)
    rest = {row[0] for row in different}
    same = {name: value for name, value in flattened[0].items() if name not in rest}
    return (table(["", *names], different) if different else "") + heading("The same for all") + facts(same)


def _different(rows: Sequence[Mapping[str, str]]) -> list[list[str]]:
    """Rows of a table: each name whose values are not all the same, and the values."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [[name, *(row.get(name, "-") for row in rows)] for name in names if len({row.get(name) for row in rows}) > 1]
