"""`manet polygons`: the polygons of a finished map."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from manet.cli.console import console
from manet.cli.progress import ConsoleProgress

BackgroundOption = Annotated[
    Literal["out", "cells"],
    typer.Option(help="Polygons: the class called background is left out, or cut into cells of 1024 pixels."),
]
SimplifyOption = Annotated[
    float,
    typer.Option(min=0, help="Polygons: bends smaller than so many pixels go (0: none); shared borders stay shared."),
]
LeastAreaOption = Annotated[
    float | None,
    typer.Option(
        "--min-area", min=0, help="Polygons: smaller ones are left out, square metres (0: none); by default 64 pixels."
    ),
]
RegulariseOption = Annotated[
    str, typer.Option(metavar="CLASSES", help="Polygons: these classes, with commas between, get right angles.")
]
DisplacementOption = Annotated[
    float, typer.Option(min=0.01, help="Polygons: how far an outline may move for its right angles, metres.")
]


def parse_classes(text: str) -> tuple[str, ...]:
    """The names of classes in a text with commas between."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def polygons(
    map_file: Annotated[Path, typer.Argument(metavar="MAP", help="Map that `manet predict` wrote.")],
    out: Annotated[
        Path, typer.Option(help="Polygons to write, .gpkg, .geojson, .shp, .fgb, or .parquet where GDAL can.")
    ],
    probabilities: Annotated[
        Path | None, typer.Option(help="The map's raster of probabilities, for each polygon's confidence.")
    ] = None,
    background: BackgroundOption = "out",
    simplify: SimplifyOption = 1,
    least_area: LeastAreaOption = None,
    regularise: RegulariseOption = "",
    displacement: DisplacementOption = 0.5,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace polygons that are there.")] = False,
) -> None:
    """Polygons of a map: whole ones, each with its class, name and area on the ellipsoid."""
    from manet.raster.polygons import PolygonSettings, write_polygons

    settings = PolygonSettings(background, simplify, least_area, parse_classes(regularise), displacement)
    with ConsoleProgress() as progress, console.status("tracing polygons"):
        count = write_polygons(map_file, out, probabilities, settings, overwrite, progress)
    console.print(f"{count} polygon{'' if count == 1 else 's'}: {out}", highlight=False, soft_wrap=True)
