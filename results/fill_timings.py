"""Fill the timings of results/speed/*.json into the pages that have a place for them.

python results/fill_timings.py [--check]: with --check nothing is written, and a page that differs from the results
is an error.
"""

import argparse
import re
import sys
from pathlib import Path

from manet.paper.speed.report import SpeedReport

ROOT = Path(__file__).parents[1]
SPEED = ROOT / "results" / "speed"
PAGES = (ROOT / "README.md", ROOT / "docs" / "speed.md")
MARKED = re.compile(r"(<!-- timings: (\S+) (.*?) -->\n).*?(<!-- end of timings -->)", re.DOTALL)
"""<!-- timings: NAME CASES -->: the name of a file of results, and how the wanted cases begin, separated by |."""


def table(report: SpeedReport, cases: list[str]) -> str:
    """Lines of Markdown: what was measured and where, then one row per way of each case."""
    machine = report.machine
    lines = [
        f"{report.network}; {report.imagery}. {machine.processor}, {machine.threads} threads, {machine.instructions}, "
        f"{machine.gflops:.0f} GFLOP/s in matrix products, {machine.bandwidth:.0f} GB/s in copies; "
        + ", ".join(f"{name} {version}" for name, version in machine.versions.items())
        + (f"; load {machine.load:.1f}" if machine.load is not None else "")
        + ".",
        "",
        "| | computed in | s | times as fast | quartiles | MB | of ceiling | agreement |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for case in dict.fromkeys(row.case for row in report.rows if row.case.startswith(tuple(cases))):
        lines.append(f"| **{case}** | | | | | | | |")
        for row in (row for row in report.rows if row.case == case):
            low, high = row.ratio_quartiles
            memory = "" if row.peak_mb is None else f"{row.peak_mb:.0f}"
            ceiling = "" if row.of_ceiling is None else f"{100 * row.of_ceiling:.0f} %"
            equal = row.compared == "equal classes"
            agreement = f"{100 * row.agreement:.3f} %" if equal else f"off by {row.agreement:.0e}"
            lines.append(
                f"| {row.way} | {row.computes_in} | {row.seconds:.3g} | {row.ratio:.2f} | {low:.2f} to {high:.2f} "
                f"| {memory} | {ceiling} | {agreement} |"
            )
    return "\n".join(lines)


def filled(text: str) -> str:
    """A page with the tables that the results give."""

    def fill(marked: re.Match[str]) -> str:
        report = SpeedReport.model_validate_json((SPEED / f"{marked[2]}.json").read_text(encoding="utf-8"))
        return f"{marked[1]}{table(report, marked[3].split('|'))}\n{marked[4]}"

    return MARKED.sub(fill, text)


def main() -> None:
    """Fill or check every page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page differs from the results")
    check = parser.parse_args().check
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if check and filled(text) != text:
            sys.exit(f"{page.name} differs from the results in {SPEED}; run python results/fill_timings.py")
        if not check:
            page.write_text(filled(text), encoding="utf-8")


if __name__ == "__main__":
    main()
