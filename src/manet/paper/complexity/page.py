"""The costs as files: a page, its figure, and JSON."""

import json
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from manet.files import replacing
from manet.paper.complexity.counting import RULES
from manet.paper.complexity.measuring import METHOD
from manet.paper.complexity.report import CostReport, tables
from manet.paper.complexity.sizes import FORMS, SIZES

FILES = ("complexity.md", "figure5.png", "figure5.svg")
COLOURS = dict(zip(FORMS, ("tab:orange", "tab:red", "tab:blue", "tab:cyan"), strict=True))


def write_json(report: CostReport, out: Path, overwrite: bool = False) -> None:
    """Write everything as JSON. Raises OutputError if the file exists and is not to be replaced."""
    with replacing(out, overwrite) as partial:
        partial.write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")


def write_page(report: CostReport, out: Path, overwrite: bool = False) -> list[Path]:
    """Write the page in Markdown, and Fig. 5 as PNG and SVG.

    Args:
        report: What is written.
        out: Folder.
        overwrite: Replace files that are there.

    Returns:
        The paths of the files.

    Raises:
        OutputError: A file exists and is not to be replaced, or cannot be written.
    """
    paths = [out / name for name in FILES]
    with replacing(paths[0], overwrite) as partial:
        partial.write_text(page(report), encoding="utf-8")
    with rc_context({"svg.hashsalt": "manet"}):
        figure = draw(report)
        for path in paths[1:]:
            with replacing(path, overwrite) as partial:
                kind = path.suffix[1:]
                figure.savefig(partial, format=kind, dpi=130, metadata={"Date": None} if kind == "svg" else None)
    return paths


def page(report: CostReport) -> str:
    """The page as Markdown: the rules, then every table with its notes."""
    lines = ["# What modules and networks cost", "", "Multiply-accumulates (MAC) are counted by two rules.", ""]
    lines += [f"- **{name}**: {rule}" for name, rule in RULES.items()]
    lines += ["", METHOD if report.machine else "Time and memory were not measured.", ""]
    lines += [f"Measured on: {report.machine}.", ""] if report.machine else []
    lines += [f"![Fig. 5]({FILES[1]})", ""]
    for table in tables(report):
        lines += table.markdown()
    return "\n".join(lines).rstrip() + "\n"


def draw(report: CostReport) -> Figure:
    """Draw Fig. 5: computation and memory by arithmetic (lines), printed (crosses) and measured (points); and time."""
    panels = 3 if report.machine else 2
    figure = Figure(figsize=(5 * panels, 5), layout="constrained")
    macs, memory, *time = figure.subplots(1, panels)
    for form, colour in COLOURS.items():
        rows = [row for row in report.sizes if row.form == form]
        dashed = "--" if form.endswith(("fused", "folded")) else "-"
        macs.plot(SIZES, [row.cost.macs for row in rows], dashed, color=colour, label=form)
        memory.plot(SIZES, [row.cost.bytes for row in rows], dashed, color=colour, label=form)
        printed = [row for row in rows if row.printed_macs]
        cross = {"marker": "x", "markersize": 9, "linestyle": "", "color": colour}
        macs.plot([row.size for row in printed], [row.printed_macs for row in printed], **cross)
        memory.plot([row.size for row in printed], [row.printed_bytes for row in printed], **cross)
        measured = [(row.size, row.measured) for row in rows if row.measured]
        # below a megabyte, only the granularity of memory pages and allocators would show
        peaks = [(size, one.peak_bytes) for size, one in measured if one.peak_bytes and one.peak_bytes >= 1e6]
        memory.plot([size for size, _ in peaks], [peak for _, peak in peaks], "o", color=colour)
        for seconds in time:
            seconds.plot([size for size, _ in measured], [one.seconds for _, one in measured], "o-", color=colour)
    macs.plot([], [], "x", color="grey", label="printed in the paper")
    memory.plot([], [], "x", color="grey", label="printed in the paper")
    if report.machine:
        memory.plot([], [], "o", color="grey", label="measured")
    _finish(macs, "(a) computation, with the projections", "multiply-accumulates")
    _finish(memory, "(b) memory", "bytes")
    for seconds in time:
        _finish(seconds, "(c) time", "seconds")
    figure.suptitle("Dot-product and kernel attention by input size, D = Dv = 2 Dk = 64, float32")
    return figure


def _finish(axes: Axes, title: str, unit: str) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(SIZES, [f"{size}²" for size in SIZES])
    axes.set_xlabel("positions (height times width)")
    axes.set_ylabel(unit)
    axes.set_title(title)
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=9)
