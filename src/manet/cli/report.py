"""`manet report`: a page about runs and evaluations."""

from pathlib import Path
from typing import Annotated

import typer

from manet.cli.console import console


def report(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN|EVALUATION...", help="Folders of `manet train` or `manet evaluate`; several are compared."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Page to write. By default report.html in the folder, or here for several.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a page that is there.")] = False,
) -> None:
    """Write one HTML page: curves, scores, pictures, calibration, settings, data, machine and time.

    The page is one file that loads nothing from elsewhere, so it can be sent and printed.
    """
    from manet.evaluation.report import PAGE
    from manet.report import write_report

    out = out or (sources[0] / PAGE if len(sources) == 1 and sources[0].is_dir() else Path(PAGE))
    write_report(sources, out, overwrite=overwrite)
    console.print(f"written: {out}", soft_wrap=True)
