"""`manet assess labelled`: accuracies and areas from labelled blocks."""

from pathlib import Path
from typing import Annotated

import typer

from manet.cli.console import console, print_table
from manet.cli.progress import ConsoleProgress


def labelled(
    maps: Annotated[list[str], typer.Argument(metavar="MAPS...", help="The map, or several as one population.")],
    labels: Annotated[
        list[Path], typer.Option(help="Raster of true classes on the map's grid, 255 where unlabelled; one per map.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the report: page, picture, JSON and CSV.")],
    sample: Annotated[
        Path | None, typer.Option(help="The blocks that were drawn, all of which are fully labelled.")
    ] = None,
    block: Annotated[
        int | None,
        typer.Option(help="In place of the sample: height and width of blocks; all that are fully labelled are used."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an assessment that is there.")] = False,
) -> None:
    """Estimate the whole map's areas from fully labelled blocks: its mapped areas plus the blocks' mean error."""
    from manet.assessment.labelled import assess_labelled
    from manet.assessment.report import refuse_earlier, write_assessment
    from manet.assessment.tables import all_tables, sentence
    from manet.raster.inputs import find_scenes

    refuse_earlier(out, overwrite)
    with ConsoleProgress() as progress:
        found = assess_labelled(
            [scene.path for scene in find_scenes(maps)], list(labels), block=block, sample=sample, progress=progress
        )
        names = write_assessment(found, out, overwrite=overwrite)
    for table in all_tables(found):
        print_table(table)
    console.print(sentence(found), highlight=False, soft_wrap=True)
    console.print(f"written to {out}: {', '.join(names)}", highlight=False, soft_wrap=True)
