"""A labelled sample as it comes back: read, placed on the maps, and checked before anything is estimated from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manet.assessment.maps import ClassMap, look_up
from manet.assessment.quantity import Floats
from manet.errors import SampleError
from manet.files import choices
from manet.legend import IGNORED
from manet.raster.features import Features, move_points, read_features

LONGITUDE_LATITUDE = "EPSG:4326"

SHOWN = 5
"""Points that an error names."""


@dataclass(frozen=True)
class ReferenceSample:
    """Labelled points, each on a pixel of a map."""

    mapped: NDArray[np.int64]
    """(points,) classes on the map."""
    reference: NDArray[np.int64]
    """(points,) classes of the reference."""
    ground: Floats
    """(points,) of the pixels: square metres, or 1."""
    columns: dict[str, list[Any]]
    """The other attributes of the points."""
    unlabelled: list[str]
    """The points that lack a reference, and are left out."""

    def design(self) -> str | None:
        """What the file says of how its points were drawn. Raises SampleError if it says several things."""
        found = {str(value) for value in self.columns.get("design", ()) if value is not None}
        if len(found) > 1:
            raise SampleError(
                f"the sample has points of several designs ({', '.join(sorted(found))}); give one at a time"
            )
        return found.pop() if found else None


def read_reference_sample(path: str | Path, maps: Sequence[ClassMap], names: Sequence[str]) -> ReferenceSample:
    """Read a labelled sample and find the pixel of each point.

    Args:
        path: GeoPackage or CSV file with an attribute "reference": names of classes or their indices. Points are the
            geometry, or the columns x and y (in the CRS of the map), or longitude and latitude.
        maps: What is assessed.
        names: Its classes.

    Raises:
        SampleNotFoundError: There is no such file.
        SampleError: It cannot be read, has no CRS though the maps have, or has points that are twice there, lie outside
            the maps, name no class, or were drawn from another map.
        SceneError: A map cannot be read.
    """
    features = read_features(path)
    if "reference" not in features.columns:
        if "block" in features.columns:
            raise SampleError(f"{path} is a sample of blocks, not of points; give the labels of its blocks as a raster")
        raise SampleError(
            f"{path} has no attribute 'reference'; expected it among {choices('reference', features.columns)}"
        )
    ids = [str(i) if i is not None else f"in row {row}" for row, i in enumerate(_ids(features), 1)]
    number, rows, columns = _place(features, maps, ids)
    _refuse_twice(ids, np.stack([number, rows, columns], axis=1), path)
    classes, ground = look_up(maps, number, rows, columns)
    if len(empty := np.flatnonzero(classes == IGNORED)):
        raise SampleError(f"{_named(ids, empty)} where the map has no class; {path} belongs to another map")
    _refuse_changed(features, ids, classes, names, path)
    reference = _classes(features.columns["reference"], ids, names, path)
    labelled = reference >= 0
    if not labelled.any():
        raise SampleError(f"{path} has no reference at any of its {len(ids)} points; fill in the attribute 'reference'")
    kept = np.flatnonzero(labelled).tolist()
    return ReferenceSample(
        classes[labelled].astype(np.int64),
        reference[labelled],
        ground[labelled],
        {name: [values[i] for i in kept] for name, values in features.columns.items()},
        [ids[i] for i in np.flatnonzero(~labelled)],
    )


def numbers(sample: ReferenceSample, name: str) -> Floats | None:
    """An attribute as numbers (points,); None if the sample has none. Raises SampleError if one is no number."""
    if name not in sample.columns:
        return None
    try:
        return np.array([float(value) for value in sample.columns[name]])
    except (TypeError, ValueError) as error:
        raise SampleError(f"the attribute '{name}' of the sample has a value that is no number ({error})") from error


def _ids(features: Features) -> list[Any]:
    return features.columns.get("id", [None] * len(features))


def _place(
    features: Features, maps: Sequence[ClassMap], ids: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The map, row and column of each point."""
    own = _maps_of(features, maps)
    number = np.full(len(features), -1, np.int64)
    row, col = np.zeros(len(features), np.int64), np.zeros(len(features), np.int64)
    for index, m in enumerate(maps):
        x, y = _coordinates(features, m)
        with np.errstate(invalid="ignore"):
            t = ~m.transform
            columns, rows = np.floor(t.a * x + t.b * y + t.c), np.floor(t.d * x + t.e * y + t.f)
            inside = (rows >= 0) & (rows < m.height) & (columns >= 0) & (columns < m.width)
        inside &= (own == index) | ((own < 0) & (number < 0))
        number[inside], row[inside], col[inside] = index, rows[inside], columns[inside]
    if len(outside := np.flatnonzero(number < 0)):
        raise SampleError(
            f"{_named(ids, outside)} outside the map; give the map that {features.path} was drawn from, or "
            "correct its CRS"
        )
    return number, row, col


def _maps_of(features: Features, maps: Sequence[ClassMap]) -> NDArray[np.int64]:
    """The number of the map that each point names, -1 where it names none."""
    names = [m.name for m in maps]
    given = features.columns.get("map", [None] * len(features))
    if unknown := sorted({str(name) for name in given if name is not None and name not in names}):
        if len(maps) == 1 and len(unknown) == 1:
            return np.full(len(features), -1, np.int64)  # a map that was renamed; its classes are compared later
        raise SampleError(f"{features.path} has points of {', '.join(unknown)}; give these maps, too")
    return np.array([-1 if name is None else names.index(name) for name in given], np.int64)


def _coordinates(features: Features, m: ClassMap) -> tuple[Floats, Floats]:
    """The points' x and y in the map's CRS."""
    crs = m.crs.to_wkt() if m.crs is not None else None
    if features.geometries is not None:
        if (features.crs is None) != (crs is None):
            lacking = features.path if features.crs is None else m.path
            raise SampleError(f"{lacking} has no CRS, so it is unknown where the points lie on the map; assign one")
        x, y = features.points()
        return move_points(x, y, features.crs, crs)
    for x, y, own in (("x", "y", None), ("longitude", "latitude", LONGITUDE_LATITUDE)):
        if x in features.columns and y in features.columns:
            try:
                columns = np.array([features.columns[name] for name in (x, y)], np.float64)
            except (TypeError, ValueError) as error:
                raise SampleError(f"{features.path} has coordinates that are no numbers ({error})") from error
            return move_points(columns[0], columns[1], own, crs)
    raise SampleError(
        f"{features.path} has the columns {', '.join(features.columns)}; expected x and y in the map's CRS, or "
        "longitude and latitude"
    )


def _refuse_twice(ids: Sequence[str], places: NDArray[np.int64], path: str | Path) -> None:
    _, pixel, counts = np.unique(places, axis=0, return_inverse=True, return_counts=True)
    if len(twice := np.flatnonzero(counts > 1)):
        first = _named(ids, np.flatnonzero(pixel == twice[0]))
        others = f", and so it is on {len(twice) - 1} more" if len(twice) > 1 else ""
        raise SampleError(f"{first} on one pixel{others}; a pixel counts once: remove the repeated points from {path}")


def _refuse_changed(
    features: Features, ids: Sequence[str], classes: NDArray[np.uint8], names: Sequence[str], path: str | Path
) -> None:
    recorded = features.columns.get("mapped", [None] * len(ids))
    changed = [i for i, name in enumerate(recorded) if name is not None and name != names[classes[i]]]
    if changed:
        i = changed[0]
        raise SampleError(
            f"{_named(ids, changed)} where the map says something else than when {path} was drawn "
            f"({names[classes[i]]} instead of {recorded[i]}); the map has changed, or points were moved: give the map "
            "that it was drawn from"
        )


def _classes(values: Sequence[Any], ids: Sequence[str], names: Sequence[str], path: str | Path) -> NDArray[np.int64]:
    """Indices of classes (points,), -1 where there is none."""
    known = {name.casefold(): index for index, name in enumerate(names)}
    known |= {str(index): index for index in range(len(names)) if str(index) not in known}
    found = np.full(len(values), -1, np.int64)
    for i, value in enumerate(values):
        text = (
            "" if value is None else str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        )
        if text.strip():
            if text.strip().casefold() not in known:
                raise SampleError(
                    f"point {ids[i]} of {path} has the reference '{text}'; expected one of {choices(text, names)}"
                )
            found[i] = known[text.casefold()]
    return found


def _named(ids: Sequence[str], which: Sequence[int] | NDArray[np.integer]) -> str:
    """How a message about some points begins: "points 3, 7 and 12 more lie"."""
    chosen = [ids[i] for i in which]
    more = f" and {len(chosen) - SHOWN} more" if len(chosen) > SHOWN else ""
    return f"point {chosen[0]} lies" if len(chosen) == 1 else f"points {', '.join(chosen[:SHOWN])}{more} lie"
