"""The report of an ablation, made from its folder only: a table, its rows, and a figure."""

import csv
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev

from matplotlib.figure import Figure

from manet.errors import OutputError
from manet.evaluation.report import PAGE
from manet.files import replacing
from manet.page.of_tables import page_of_tables
from manet.paper.ablation.climb import AblationSettings, Rung, finished_rungs, read_ablation
from manet.paper.ablation.ladder import BASE
from manet.tables import TextTable

TABLE, ROWS, FIGURE = "ablation.md", "ablation.csv", "ablation.png"


def write_ablation(out: Path) -> tuple[TextTable, list[Path]]:
    """Write the report of the finished rungs; an earlier one is replaced.

    Args:
        out: Folder of the ablation.

    Returns:
        The table, and the files that were written.

    Raises:
        OutputError: The folder holds no ablation, or no finished run.
    """
    settings, rungs = read_ablation(out), finished_rungs(out)
    if not rungs:
        raise OutputError(f"{out} has no finished run yet; resume the ablation")
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
    page = page_of_tables("One change at a time", [table], pictures={"Gains; blue: kept": out / FIGURE})
    page.write(out / PAGE, overwrite=True)
    return table, [out / name for name in (TABLE, ROWS, FIGURE, PAGE)]


def ablation_table(settings: AblationSettings, rungs: Sequence[Rung]) -> TextTable:
    """One row per rung, in percent."""
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
        f"Base: {settings.ladder.base}. Each change is made on top of those above it that were kept, and is kept if "
        f"the mean over {seeds} seed{'s' * (seeds > 1)} rises. Scores of the validation split at the best epoch.",
    )
    columns = ("change", "settings", "mIoU", "gain", "", "min a run")
    return TextTable(f"{settings.dataset}, validation split, %", columns, rows, notes)


def _draw(rungs: Sequence[Rung], out: Path) -> None:
    figure = Figure(figsize=(8, 0.6 + 0.4 * len(rungs)), layout="constrained")
    axes = figure.subplots()
    for row, rung in enumerate(rungs):
        colour = "tab:blue" if rung.kept else "0.65"
        axes.plot([100 * score for score in rung.scores], [row] * len(rung.scores), "o", color=colour, alpha=0.6)
        axes.plot(100 * fmean(rung.scores), row, "|", color=colour, markersize=16, markeredgewidth=2)
    axes.set(xlabel="mean IoU on the validation split, % (blue: kept)")
    axes.set_yticks(range(len(rungs)), [rung.name for rung in rungs])
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    with replacing(out, overwrite=True) as partial:
        figure.savefig(partial, dpi=120)
