"""Simplifying polygons so that neighbours keep the borders they share."""

import numpy as np
import shapely
from numpy.typing import NDArray

from manet.raster.trace import Polygons


def simplify(polygons: Polygons, tolerance: float) -> NDArray[np.object_]:
    """Remove the small bends of polygons.

    A corner that lies on a neighbour's straight edge is added to the neighbour too. Then the polygons are a coverage,
    in which GEOS simplifies each border once (Visvalingam and Whyatt).

    Args:
        polygons: All polygons of a raster.
        tolerance: Pixels; its square is the largest area of a bend that is removed.

    Returns:
        (polygons,): Shapely polygons in pixel coordinates.
    """
    shapes = _with_nodes(polygons)
    return shapely.coverage_simplify(shapes, tolerance) if len(shapes) else shapes


def _with_nodes(polygons: Polygons) -> NDArray[np.object_]:
    """The polygons, with every corner of others that lies on their edges."""
    corners = polygons.corners.astype(np.int64)
    begins = np.delete(np.arange(len(corners)), polygons.rings[1:] - 1)
    nodes = np.zeros(len(corners), np.int64)  # how many are added after each corner
    added: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []  # after which corner, and where
    for along in (0, 1):  # edges along columns, then along rows
        span = int(corners.max(initial=0)) + 1
        keys = np.unique(corners[:, 1 - along] * span + corners[:, along])
        edges = begins[corners[begins, 1 - along] == corners[begins + 1, 1 - along]]
        line = corners[edges, 1 - along] * span
        one, other = line + corners[edges, along], line + corners[edges + 1, along]
        first = np.searchsorted(keys, np.minimum(one, other), side="right")
        count = np.searchsorted(keys, np.maximum(one, other), side="left") - first
        nodes[edges] = count
        step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        forward = np.repeat(one < other, count)
        position = np.repeat(first, count) + np.where(forward, step, np.repeat(count, count) - 1 - step)
        found = np.zeros((len(position), 2), np.int64)
        found[:, 1 - along], found[:, along] = np.divmod(keys[position], span)
        added.append((np.repeat(edges, count), found))
    moved = np.arange(len(corners)) + np.cumsum(nodes) - nodes  # the new index of each corner
    dense = np.zeros((len(corners) + int(nodes.sum()), 2))
    dense[moved] = corners
    for owner, found in added:
        run = np.arange(len(owner)) - np.searchsorted(owner, owner)
        dense[moved[owner] + 1 + run] = found
    rings = np.append(moved, len(dense))[polygons.rings]
    return shapely.from_ragged_array(shapely.GeometryType.POLYGON, dense, (rings, polygons.starts))
