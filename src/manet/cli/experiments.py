"""`manet experiments`: tables and curves of experiments and ablations, from the files that their runs left."""

from pathlib import Path
from typing import Annotated

import typer

from manet.cli.console import console, print_table
from manet.errors import OutputError


def experiments(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Folder of an experiment or an ablation that `manet benchmark` made, or a folder that holds several."
        ),
    ] = Path("results"),
) -> None:
    """Write the tables and curves of experiments again, from their result files only: no data and no weights."""
    from manet.paper.ablation.climb import SETTINGS as ABLATION
    from manet.paper.ablation.report import write_ablation
    from manet.paper.comparison.report import write_report
    from manet.paper.comparison.results import SETTINGS

    found = sorted(path for name in (SETTINGS, ABLATION) for path in folder.rglob(name))
    if not found:
        raise OutputError(f"{folder} holds no experiment; make one with `manet benchmark paper`, or give its folder")
    for path in found:
        if path.name == ABLATION:
            table, written = write_ablation(path.parent)
            print_table(table)
        else:
            shown, written = write_report(path.parent)
            for table in shown[:2]:
                print_table(table)
        console.print(f"written: {', '.join(str(path) for path in written)}", soft_wrap=True)
