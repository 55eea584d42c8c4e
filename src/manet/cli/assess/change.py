"""`manet assess change`: the map of what changed into what."""

from pathlib import Path
from typing import Annotated

import typer

from manet.cli.console import console
from manet.cli.progress import ConsoleProgress


def change(
    before: Annotated[Path, typer.Argument(help="The earlier map.")],
    after: Annotated[Path, typer.Argument(help="The later map, on the same grid.")],
    out: Annotated[Path, typer.Option(help="Map of the transitions to write, a GeoTIFF.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a map that is there.")] = False,
) -> None:
    """Write the map of all transitions between two dates, to be sampled and assessed like any map.

    Its estimates are the areas of the transitions, and each class before and after with the change.
    """
    from manet.assessment.change import write_change_map

    with ConsoleProgress() as progress:
        legend = write_change_map(before, after, out, overwrite=overwrite, progress=progress)
    console.print(f"{len(legend)} transitions: {out}", highlight=False, soft_wrap=True)
