"""Right-angled outlines for chosen classes, without overlaps and within a bound."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from manet.raster.right_angles import is_round, square

OVERLAP_M2 = 1e-6
"""The largest common area of two polygons that counts as none."""


@dataclass(frozen=True)
class Regularised:
    """Polygons of which some have right angles, and what was done."""

    shapes: NDArray[np.object_]
    """(polygons,)"""
    changed: NDArray[np.bool_]
    """(polygons,)"""
    squared: int
    """Rings that got right angles."""
    round: int
    """Rings that are circles, and stay as they are."""
    shared: int
    """Rings that stay as they are because they share a border with another polygon."""
    others: int
    """Rings that stay as they are because no outline with right angles keeps the bound, or because it would overlap."""
    corners: tuple[int, int]
    """Of the polygons of the chosen classes, before and after."""
    iou: float
    """The mean over the polygons that changed of their IoU with what they were; 1 if none did."""
    moved_m: float
    """The largest distance between an outline and what it was."""

    def __str__(self) -> str:
        return (
            f"rings with right angles: {self.squared} (IoU {self.iou:.3f} with what they were, moved by at most "
            f"{self.moved_m:.2f} m, corners: {self.corners[0]:,}, now {self.corners[1]:,}); "
            f"unchanged: round {self.round}, with shared borders {self.shared}, others {self.others}"
        )


def regularise(shapes: NDArray[np.object_], chosen: NDArray[np.bool_], bound: float) -> Regularised:
    """Give right angles to the rings of chosen polygons that share no border with another polygon.

    Args:
        shapes: (polygons,): all polygons that are written, in metres; those that share a border share its corners.
        chosen: (polygons,): whether a polygon is of a class that gets right angles.
        bound: How far an outline may move, metres.

    Returns:
        The polygons in the same order. None of them overlaps another one more than before.
    """
    shared = _shared_edges(shapes)
    counts: Counter[str] = Counter()
    new = shapes.copy()
    squared_rings = np.zeros(len(shapes), np.int64)
    for index in np.flatnonzero(chosen):
        rings = [shapes[index].exterior, *shapes[index].interiors]
        corners = [shapely.get_coordinates(ring) for ring in rings]
        found = [_ring(ring, shared, bound, counts) for ring in corners]
        if any(ring is not None for ring in found):
            polygon = shapely.Polygon(*_parts(corners, found))
            if not polygon.is_valid:  # a hole that crosses the new outline
                found = [found[0], *[None] * (len(found) - 1)]
                polygon = shapely.Polygon(*_parts(corners, found))
            count = sum(ring is not None for ring in found)
            if polygon.is_valid and count:
                new[index], squared_rings[index] = polygon, count
    _undo_overlaps(shapes, new)
    changed = np.flatnonzero(new != shapes)
    before, after = shapes[changed], new[changed]
    common = shapely.area(shapely.intersection(before, after))
    iou = common / (shapely.area(before) + shapely.area(after) - common)
    moved = shapely.hausdorff_distance(shapely.boundary(before), shapely.boundary(after), densify=0.2)
    squared = int(squared_rings[changed].sum())
    return Regularised(
        shapes=new,
        changed=new != shapes,
        squared=squared,
        round=counts["round"],
        shared=counts["shared"],
        others=counts["free"] - squared,
        corners=(_corners(shapes[chosen]), _corners(new[chosen])),
        iou=float(iou.mean()) if len(changed) else 1.0,
        moved_m=float(moved.max()) if len(changed) else 0.0,
    )


def _ring(
    ring: NDArray[np.float64], shared: set[tuple[float, ...]], bound: float, counts: Counter[str]
) -> NDArray[np.float64] | None:
    """A ring with right angles, or None if it stays as it is; counts why."""
    if not shared.isdisjoint(_edges(ring)):
        counts["shared"] += 1
        return None
    if is_round(ring):
        counts["round"] += 1
        return None
    counts["free"] += 1
    return square(ring, bound)


def _edges(ring: NDArray[np.float64]) -> list[tuple[float, ...]]:
    """The edges of a ring, each the same whichever way it runs."""
    one, other = ring[:-1], ring[1:]
    swapped = (one[:, 0] > other[:, 0]) | ((one[:, 0] == other[:, 0]) & (one[:, 1] > other[:, 1]))
    edges = np.where(swapped[:, None], np.hstack([other, one]), np.hstack([one, other]))
    return list(map(tuple, edges.tolist()))


def _shared_edges(shapes: NDArray[np.object_]) -> set[tuple[float, ...]]:
    """The edges that two polygons have."""
    seen: set[tuple[float, ...]] = set()
    shared: set[tuple[float, ...]] = set()
    for ring in shapely.get_rings(shapes):
        edges = _edges(shapely.get_coordinates(ring))
        shared.update(edge for edge in edges if edge in seen)
        seen.update(edges)
    return shared


def _parts(
    before: list[NDArray[np.float64]], found: list[NDArray[np.float64] | None]
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    rings = [old if new is None else new for old, new in zip(before, found, strict=True)]
    return rings[0], rings[1:]


def _undo_overlaps(before: NDArray[np.object_], after: NDArray[np.object_]) -> None:
    """Undo the changes of polygons that overlap others, until none does."""
    while len(after):
        changed = np.flatnonzero(after != before)
        one, other = shapely.STRtree(after).query(after[changed], predicate="intersects")
        one = changed[one]
        pairs = one != other
        one, other = one[pairs], other[pairs]
        overlap = shapely.area(shapely.intersection(after[one], after[other])) > OVERLAP_M2
        if not overlap.any():
            return
        wrong = one[overlap & ((one < other) | (after[other] == before[other]))]  # of two that changed, the first
        after[wrong] = before[wrong]


def _corners(shapes: NDArray[np.object_]) -> int:
    return int(shapely.get_num_coordinates(shapes).sum())
