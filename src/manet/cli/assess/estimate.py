"""`manet assess estimate`: accuracies and areas from a labelled sample."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from manet.cli.console import console, print_table
from manet.cli.progress import ConsoleProgress


def estimate(
    sample: Annotated[Path, typer.Argument(help="Labelled sample, .gpkg or .csv, with the attribute reference.")],
    map_files: Annotated[
        list[str], typer.Option("--map", help="The map that it was drawn from; repeated for several as one population.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the report: page, picture, JSON and CSV.")],
    design: Annotated[
        Literal["stratified", "random", "systematic", "clusters"] | None,
        typer.Option(help="How the points were drawn. [default: what the sample says]"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an assessment that is there.")] = False,
) -> None:
    """Estimate overall, user's and producer's accuracy and the area of each class, with 95 % intervals."""
    from manet.assessment.estimate import assess
    from manet.assessment.report import refuse_earlier, write_assessment
    from manet.assessment.tables import all_tables, sentence
    from manet.raster.inputs import find_scenes

    refuse_earlier(out, overwrite)
    with ConsoleProgress() as progress:
        found = assess(sample, [scene.path for scene in find_scenes(map_files)], design=design, progress=progress)
        names = write_assessment(found, out, overwrite=overwrite)
    for table in all_tables(found):
        print_table(table)
    console.print(sentence(found), highlight=False, soft_wrap=True)
    console.print(f"written to {out}: {', '.join(names)}", highlight=False, soft_wrap=True)
