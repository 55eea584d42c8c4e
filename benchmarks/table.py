"""Put the timings of benchmarks/results/*.json into the pages that have a place for them.

python benchmarks/table.py [--check]: with --check, fails where a page is not what the results say.
"""

import argparse
import re
import sys
from pathlib import Path

from manet.paper.speed.run import Report

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", ROOT / "docs" / "speed.md")
PLACE = re.compile(r"(<!-- timings: (\S+) (.*?) -->\n).*?(<!-- end of timings -->)", re.DOTALL)
"""<!-- timings: NAME CASES -->, the name of a file of results, and how the wanted cases begin, separated by |."""


def table(report: Report, cases: list[str]) -> str:
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
    """A page with its tables as the results say."""

    def fill(place: re.Match[str]) -> str:
        results = ROOT / "benchmarks" / "results" / f"{place[2]}.json"
        report = Report.model_validate_json(results.read_text(encoding="utf-8"))
        return f"{place[1]}{table(report, place[3].split('|'))}\n{place[4]}"

    return PLACE.sub(fill, text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if check and filled(text) != text:
            sys.exit(f"{page.name} does not say what benchmarks/results holds; run python benchmarks/table.py")
        if not check:
            page.write_text(filled(text), encoding="utf-8")


if __name__ == "__main__":
    main()
