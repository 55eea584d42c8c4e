"""Ground that two splits share by where their scenes lie: overlapping images, whatever their pixels hold."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from manet.datasets.manifest import SPLITS, Area, Split

LEAST = 0.01
"""Smaller shares of an area are edges that touch."""

PER_EDGE = 8
"""Points that stand for an edge of an area in another CRS."""


Outlines = list[tuple[str, shapely.Polygon]]
"""Scenes' names with the outlines of areas."""


class ScenePlace(NamedTuple):
    """Where a scene lies."""

    crs: Any
    """As rasterio has it; None if it is unknown, and then nothing is said of the scene."""
    transform: Any
    """From columns and rows to map coordinates."""


@dataclass(frozen=True)
class Overlap:
    """Ground of one split that lies on another's."""

    split: Split
    other: Split
    share: float
    """Of the split's ground, 0 to 1."""
    scenes: tuple[str, str]
    """The scenes that share most."""

    def __str__(self) -> str:
        return (
            f"images overlap: {100 * self.share:.3g} % of the ground of the {self.split} split lies on images of the "
            f"{self.other} split ('{self.scenes[0]}' on '{self.scenes[1]}'), so scores would be too good; "
            "split by whole flights or regions"
        )


def overlaps(places: Mapping[str, ScenePlace], splits: Mapping[Split, tuple[Area, ...]]) -> list[Overlap]:
    """Find areas of different splits that show the same ground.

    Args:
        places: Where the scenes lie, by name.
        splits: The areas of each split.

    Returns:
        One entry for each pair of splits that share ground, the smaller split first.
    """
    reference = next((place.crs for place in places.values() if place.crs is not None), None)
    if reference is None:
        return []
    outlines: dict[Split, Outlines] = {
        split: [(area.scene, outline) for area in areas if (outline := _outline(places[area.scene], area, reference))]
        for split, areas in splits.items()
    }
    placed: list[Split] = [split for split in reversed(SPLITS) if outlines.get(split)]
    ordered = sorted(placed, key=lambda split: len(outlines[split]))
    found = []
    for index, split in enumerate(ordered):
        for other in ordered[index + 1 :]:
            if overlap := _overlap(split, other, outlines[split], outlines[other]):
                found.append(overlap)
    return found


def _overlap(split: Split, other: Split, mine: Outlines, others: Outlines) -> Overlap | None:
    tree = shapely.STRtree([outline for _, outline in others])
    shared: dict[int, list[int]] = defaultdict(list)
    for own, number in tree.query([outline for _, outline in mine], predicate="intersects").T.tolist():
        shared[own].append(number)
    covered, most = 0.0, (0.0, ("", ""))
    for own, numbers in shared.items():
        name, outline = mine[own]
        together = outline.intersection(shapely.union_all([others[number][1] for number in numbers])).area
        if together < LEAST * outline.area:
            continue
        covered += together
        for number in numbers:
            area = outline.intersection(others[number][1]).area
            most = max(most, (area, (name, others[number][0])))
    if not covered:
        return None
    return Overlap(split, other, min(covered / sum(outline.area for _, outline in mine), 1.0), most[1])


def _outline(place: ScenePlace, area: Area, reference: Any) -> shapely.Polygon | None:
    """An area's outline in the reference's CRS; None if it has no place there."""
    if place.crs is None:
        return None
    rows = np.array([area.row, area.row, area.row + area.height, area.row + area.height, area.row], float)
    columns = np.array([area.col, area.col + area.width, area.col + area.width, area.col, area.col], float)
    if place.crs != reference:
        steps = np.linspace(0, 4, 4 * PER_EDGE + 1)
        rows, columns = (np.interp(steps, range(5), values) for values in (rows, columns))
    t = place.transform
    x, y = t.a * columns + t.b * rows + t.c, t.d * columns + t.e * rows + t.f
    if place.crs != reference:
        try:
            to_reference = Transformer.from_crs(
                CRS.from_wkt(place.crs.to_wkt()), CRS.from_wkt(reference.to_wkt()), always_xy=True
            )
        except ProjError:
            return None
        x, y = to_reference.transform(x, y)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None
    return shapely.Polygon(np.stack([x, y], axis=1)).buffer(0)
