"""Drawn samples as files: points and blocks with what estimates need, and an empty field for the reference."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from manet.assessment.draw import Block, Points
from manet.assessment.form import qgis_form
from manet.assessment.maps import ClassMap
from manet.assessment.quantity import Floats
from manet.assessment.strata import Population
from manet.errors import OptionError
from manet.raster.features import write_features


def write_points(
    points: Points,
    population: Population,
    maps: Sequence[ClassMap],
    chances: Floats,
    path: Path,
    design: str,
    overwrite: bool,
) -> None:
    """Write points with their maps' classes in the form; every row says what its stratum holds in all.

    Args:
        points: What was drawn.
        population: What it was drawn from.
        maps: The maps.
        chances: (strata,) the inclusion probability of each stratum's pixels.
        path: File to write.
        design: Its name; the strata count only if it is "stratified".
        overwrite: Whether a file that exists is replaced.

    Raises:
        OptionError: The maps have several CRSs.
        OutputError: The file cannot be written.
    """
    by_name = {m.name: m for m in maps}
    places = []
    for name, row, col in zip(points.maps, (points.rows + 0.5).tolist(), (points.columns + 0.5).tolist(), strict=True):
        t = by_name[name].transform
        places.append((t.a * col + t.b * row + t.c, t.d * col + t.e * row + t.f))
    strata, classes = population.names, population.classes.names
    columns = {
        "id": np.arange(1, len(points) + 1).tolist(),
        "reference": [None] * len(points),
        "map": points.maps,
        "mapped": [classes[index] for index in points.classes],
        "stratum": [strata[index] for index in points.strata] if design == "stratified" else ["all"] * len(points),
        "inclusion_probability": chances[points.strata].tolist(),
        "stratum_pixels": _of_stratum(population.pixels, points, design),
        "stratum_ground": _of_stratum(population.ground, points, design),
        "design": [design] * len(points),
    }
    crs = _one_crs(maps)
    form = qgis_form(list(columns), classes)
    write_features(path, [shapely.Point(place) for place in places], "Point", columns, crs, form, overwrite)


def _of_stratum(values: NDArray[np.generic], points: Points, design: str) -> list[float]:
    """What the stratum of each point has in all."""
    return (values[points.strata] if design == "stratified" else np.full(len(points), values.sum())).tolist()


def write_blocks(
    drawn: Sequence[Block], of: int, size: int, maps: Sequence[ClassMap], path: Path, overwrite: bool
) -> None:
    """Write the outlines of drawn blocks.

    Args:
        drawn: The blocks.
        of: How many blocks there are.
        size: Height and width of a block, pixels.
        maps: The maps.
        path: File to write, .gpkg.
        overwrite: Whether a file that exists is replaced.

    Raises:
        OptionError: The maps have several CRSs.
        OutputError: The file cannot be written.
    """
    by_name = {m.name: m for m in maps}
    columns = {
        "id": list(range(1, len(drawn) + 1)),
        "map": [block.map_name for block in drawn],
        "row": [block.window.row for block in drawn],
        "col": [block.window.col for block in drawn],
        "block": [size] * len(drawn),
        "inclusion_probability": [len(drawn) / of] * len(drawn),
        "design": ["blocks"] * len(drawn),
    }
    outlines = [_outline(block, by_name[block.map_name]) for block in drawn]
    write_features(path, outlines, "Polygon", columns, _one_crs(maps), None, overwrite)


def _outline(block: Block, m: ClassMap) -> shapely.Geometry:
    w, t = block.window, m.transform
    corners = [(w.row, w.col), (w.row, w.right), (w.bottom, w.right), (w.bottom, w.col)]
    return shapely.polygons([(t.a * c + t.b * r + t.c, t.d * c + t.e * r + t.f) for r, c in corners])


def _one_crs(maps: Sequence[ClassMap]) -> str | None:
    """The CRS of all maps. Raises OptionError if they differ."""
    known = {m.crs.to_wkt() if m.crs is not None else None for m in maps}
    if len(known) > 1:
        raise OptionError("the maps have several CRSs, and a sample has one; warp the maps into one CRS")
    return known.pop()
