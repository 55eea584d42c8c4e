"""A picture of a report: how many times as fast as the first way of each case."""

from pathlib import Path

from manet.paper.speed.report import SpeedReport

COLOURS = ("#1b6ca8", "#3a9a5b", "#d08a2d", "#8a4fa3", "#c0443c", "#555555", "#b8a13a", "#7a4a2b")


def draw(report: SpeedReport, path: Path) -> None:
    """Draw bars with quartiles, one group per case, into a PNG, SVG or PDF file."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    references = {row.way for row in report.rows if row.ratio == 1 and row.ratio_quartiles == (1, 1)}
    measured = [row for row in report.rows if row.way not in references]
    ways = list(dict.fromkeys(row.way for row in measured))
    figure = Figure(figsize=(9, 1.6 + 0.2 * len(measured)), layout="constrained")
    axes = figure.subplots()
    at, labels = 0.0, []
    for case in dict.fromkeys(row.case for row in measured):
        rows = [row for row in measured if row.case == case]
        labels.append((at + (len(rows) - 1) / 2, case))
        for row in rows:
            low, high = row.ratio_quartiles
            axes.barh(at, row.ratio, 0.85, color=COLOURS[ways.index(row.way)])
            axes.plot([low, high], [at, at], color="black", linewidth=1)
            axes.text(max(high, row.ratio), at, f" {row.ratio:.2f}", va="center", fontsize=7)
            at += 1
        at += 0.4
    axes.set_yticks([y for y, _ in labels], [case for _, case in labels], fontsize=8)
    axes.set_ylim(at - 0.6, -0.7)
    axes.axvline(1, color="black", linewidth=0.8)
    against = "times as fast as the published formulation in eager float32"
    axes.set_xlabel(f"{against}\n(file to file: as the network alone; line: quartiles)")
    axes.spines[["top", "right"]].set_visible(False)
    patches = [Patch(color=COLOURS[index], label=way) for index, way in enumerate(ways)]
    figure.legend(handles=patches, fontsize=8, loc="outside lower center", ncols=3)
    machine = report.machine
    axes.set_title(
        f"{report.network}\n{machine.processor}, {machine.threads} threads, {machine.instructions}", fontsize=9
    )
    figure.savefig(path, dpi=130)
