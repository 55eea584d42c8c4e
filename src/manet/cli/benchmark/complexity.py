"""`manet benchmark complexity`: what modules and networks cost."""

from pathlib import Path
from typing import Annotated

import typer

from manet.cli.console import console, print_table


def complexity(
    out: Annotated[Path | None, typer.Option(help="Folder for a page with the tables, and Fig. 5 as PNG, SVG.")] = None,
    json: Annotated[Path | None, typer.Option(help="File for everything as JSON.")] = None,
    rounds: Annotated[
        int, typer.Option(min=0, help="How often everything is measured; 0 only counts parameters and operations.")
    ] = 3,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
) -> None:
    """Table VIII and Fig. 5: parameters and multiply-accumulates by two rules, time and peak memory on the CPU."""
    from manet.cli.progress import ConsoleProgress
    from manet.files import refuse_existing
    from manet.paper.complexity.page import FILES, write_json, write_page
    from manet.paper.complexity.report import count_all, measure_all, tables

    for path in [*(out / name for name in FILES if out), *([json] if json else [])]:
        refuse_existing(path, overwrite)
    with ConsoleProgress() as progress:
        report = count_all(progress)
        if rounds:
            report = measure_all(report, rounds, progress)
    for table in tables(report):
        print_table(table)
    if out:
        console.print(f"written: {', '.join(str(path) for path in write_page(report, out, overwrite))}")
    if json:
        write_json(report, json, overwrite)
        console.print(f"written: {json}")
