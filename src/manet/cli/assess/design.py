"""`manet assess design`: draw what is to be labelled."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from manet.cli.console import console, print_table
from manet.cli.progress import ConsoleProgress
from manet.errors import OptionError


def design(
    maps: Annotated[list[str], typer.Argument(metavar="MAPS...", help="The map, or several as one population.")],
    out: Annotated[Path, typer.Option(help="Sample to write: .gpkg, which QGIS opens with a form, or .csv.")],
    design: Annotated[
        Literal["stratified", "random", "systematic", "blocks"],
        typer.Option(help="Points by strata, anywhere, on a grid with a random start; or blocks of pixels."),
    ] = "stratified",
    strata: Annotated[
        Path | None,
        typer.Option(help="Raster on the map's grid, or polygons. [default: the classes of the map]"),
    ] = None,
    attribute: Annotated[
        str | None, typer.Option(help="The polygons' attribute whose values are the strata. [default: in and out]")
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=2, help="Points or blocks. [default: as many as the standard error needs]")
    ] = None,
    standard_error: Annotated[float, typer.Option(help="Wanted of the target, a share: 0.02 is 2 percent.")] = 0.02,
    target: Annotated[
        str, typer.Option(help="What is to be that precise: overall, users:CLASS or area:CLASS.")
    ] = "overall",
    expected: Annotated[
        list[str] | None,
        typer.Option(help="CLASS=SHARE that is expected to be mapped right; may be repeated. [default: 0.8]"),
    ] = None,
    allocation: Annotated[
        Literal["equal", "proportional", "neyman", "compromise"],
        typer.Option(help="How points are divided; compromise: as the ground, with a minimum for rare strata."),
    ] = "compromise",
    minimum: Annotated[int, typer.Option(min=2, help="The least points of a stratum; only for compromise.")] = 50,
    block: Annotated[int, typer.Option(help="Height and width of blocks, pixels.")] = 256,
    seed: Annotated[int, typer.Option(help="The same seed draws the same sample.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a sample that is there.")] = False,
) -> None:
    """Draw a random sample of a map of any size, for someone to label in QGIS.

    Label by looking at the imagery, not at the map: fill in the attribute "reference", in the order of the ids.
    """
    from manet.assessment.design import DesignSettings, design_sample
    from manet.raster.inputs import find_scenes
    from manet.tables import TextTable

    settings = DesignSettings(
        design=design,
        strata=strata,
        attribute=attribute,
        size=size,
        standard_error=standard_error,
        target=target,
        expected=dict(_expected(text) for text in expected or ()),
        allocation=allocation,
        minimum=minimum,
        block=block,
        seed=seed,
    )
    with ConsoleProgress() as progress:
        drawn = design_sample(
            [scene.path for scene in find_scenes(maps)], out, settings, overwrite=overwrite, progress=progress
        )
    if drawn.strata:
        rows = [(s.name, str(s.points), str(s.pixels), f"{100 * s.share:.2f}") for s in drawn.strata]
        print_table(TextTable("Sample", ("stratum", "points", "pixels", "share of the ground %"), rows))
    error = "" if drawn.standard_error is None else f", expected standard error {drawn.standard_error:.3g} ({target})"
    units = "blocks" if design == "blocks" else "points"
    console.print(f"{drawn.units} {units}{error}: {out}", highlight=False, soft_wrap=True)


def _expected(text: str) -> tuple[str, float]:
    """A class and the share that is expected to be right. Raises OptionError for anything else."""
    name, _, share = text.rpartition("=")
    try:
        return name, float(share)
    except ValueError:
        raise OptionError(f"got '{text}'; expected CLASS=SHARE, such as building=0.9", option="expected") from None
