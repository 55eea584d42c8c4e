"""One ring of a building with right angles: edges lie along the ring's dominant direction, or at 90 or 45 degrees."""

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUND = 0.9
"""A ring is a circle if it is rounder than this: 4 pi times its area by its squared length. A square has 0.785."""

DIAGONAL = 12.0
"""An edge is a diagonal if it is no farther than this from 45 degrees, degrees."""

STAYS = 0.8
"""An edge whose ends would move by more than this share of the bound keeps its direction."""

RIGHT = 0.5
"""At least this share of a ring's length has an allowed direction; longer edges that fit none keep their own."""

TOLERANCES = (1.0, 0.7, 0.5, 0.35, 0.25)
"""How far corners may lie from the simplified ring, in turn, as shares of the bound: coarse first."""

CLOSE = 0.75
"""The least IoU of a squared ring with what it was."""


def is_round(ring: Floats) -> bool:
    """Whether a ring (corners, 2), whose last corner is its first, is a circle."""
    shape = shapely.Polygon(ring)
    return 4 * np.pi * shape.area > ROUND * shape.length**2


def square(ring: Floats, bound: float) -> Floats | None:
    """A ring with right angles.

    The ring is simplified, each of its edges is turned about its middle into the nearest of the allowed directions, and
    neighbouring edges are made to meet. The coarsest outline that keeps the bound is taken.

    Args:
        ring: (corners, 2), metres; the last corner is the first.
        bound: The largest distance between the two outlines, metres.

    Returns:
        The new ring, closed; None if no outline keeps the bound.
    """
    before = shapely.Polygon(ring)
    for share in TOLERANCES:
        corners = _simplified(ring, share * bound)
        found = _outline(corners, dominant_direction(corners), bound, share * bound)
        if found is not None and _is_close(found, before, bound):
            return found
    return None


def dominant_direction(ring: Floats) -> float:
    """The direction, 0 to pi / 2, that most of a ring's length follows or is at right angles to."""
    steps = np.diff(ring, axis=0)
    lengths, angles = np.hypot(*steps.T), np.arctan2(steps[:, 1], steps[:, 0])
    candidates = np.radians(np.arange(0, 90, 1.0))
    away = np.abs((angles[None] - candidates[:, None] + np.pi / 4) % (np.pi / 2) - np.pi / 4)
    best = candidates[(np.minimum(away, np.pi / 8) * lengths).sum(axis=1).argmin()]
    turned = (angles - best + np.pi / 4) % (np.pi / 2) - np.pi / 4
    near = np.abs(turned) < np.pi / 12
    return float(best + (turned[near] * lengths[near]).sum() / max(lengths[near].sum(), 1e-12))


def _simplified(ring: Floats, tolerance: float) -> Floats:
    """A ring by Douglas and Peucker, which begins at the corner that is farthest from the middle."""
    corners = ring[:-1]
    first = int(np.hypot(*(corners - corners.mean(axis=0)).T).argmax())
    turned = np.concatenate([corners[first:], corners[: first + 1]])
    return shapely.get_coordinates(shapely.simplify(shapely.LineString(turned), tolerance))


@dataclass(frozen=True)
class _Edge:
    """An edge as a line, of which the corners are found where it meets its neighbours."""

    kind: int
    """Its direction in eighths of a turn from the dominant one; edges of other directions have negative numbers."""
    angle: float
    length: float
    point: Floats
    """(2,): the line goes through it."""

    @property
    def unit(self) -> Floats:
        return np.array([np.cos(self.angle), np.sin(self.angle)])

    def follows(self, other: "_Edge") -> bool:
        """Whether both lines have one direction, either way."""
        return self.kind == other.kind or (self.kind >= 0 and other.kind >= 0 and self.kind % 4 == other.kind % 4)


def _edges(corners: Floats, direction: float, bound: float) -> list[_Edge]:
    """The edges of a ring, turned into the nearest allowed direction unless their ends would move too far."""
    steps = np.diff(corners, axis=0)
    lengths, angles = np.hypot(*steps.T), np.arctan2(steps[:, 1], steps[:, 0])
    turns = (angles - direction) / (np.pi / 4)
    nearest, right = np.rint(turns), 2 * np.rint(turns / 2)
    diagonal = (nearest % 2 == 1) & (np.abs(turns - nearest) * 45 <= DIAGONAL) & (lengths > 2 * bound)
    eighths = np.where(diagonal, nearest, right)
    stays = np.sin(np.abs(turns - eighths) * np.pi / 4) * lengths / 2 > STAYS * bound
    return [
        _Edge(-1 - number, angle, length, middle)
        if stay
        else _Edge(int(e) % 8, direction + e * np.pi / 4, length, middle)
        for number, (e, stay, angle, length, middle) in enumerate(
            zip(eighths, stays, angles, lengths, (corners[1:] + corners[:-1]) / 2, strict=True)
        )
    ]


def _outline(corners: Floats, direction: float, bound: float, least: float) -> Floats | None:
    """The ring of the turned edges; None if fewer than four are left or most of it has no right angles."""
    edges = _edges(corners, direction, bound)
    while len(edges := _merged(edges, least)) >= 4:
        ring = _meeting(edges)
        if not np.isfinite(ring).all():
            return None
        steps = np.roll(ring, -1, axis=0) - ring
        forward = (steps * np.array([edge.unit for edge in edges])).sum(axis=1)
        short = forward < np.minimum(np.roll(forward, 1), np.roll(forward, -1)) + 1e-9
        gone = short & (forward <= least / 2)
        if not gone.any():
            right = forward[[edge.kind >= 0 for edge in edges]].sum()
            return np.concatenate([ring, ring[:1]]) if right >= RIGHT * forward.sum() else None
        edges = [edge for edge, left_out in zip(edges, gone, strict=True) if not left_out]
    return None


def _merged(edges: list[_Edge], least: float) -> list[_Edge]:
    """Neighbours of one line as one edge; between parallel ones that are farther apart, an edge at right angles."""
    first = next((i for i in range(len(edges)) if not edges[i].follows(edges[i - 1])), 0)
    found: list[_Edge] = []
    for edge in [*edges[first:], *edges[:first]]:
        last = found[-1] if found else edge
        if not found or not edge.follows(last):
            found.append(edge)
            continue
        normal = np.array([-last.unit[1], last.unit[0]])
        offset = float((edge.point - last.point) @ normal)
        if abs(offset) <= least or edge.kind != last.kind:
            longer, length = (last if last.length >= edge.length else edge), last.length + edge.length
            point = (last.point * last.length + edge.point * edge.length) / length
            found[-1] = replace(longer, length=length, point=point)
            continue
        ends = last.point + last.unit * last.length / 2, edge.point - last.unit * edge.length / 2
        side = 1 if offset > 0 else -1
        kind = (last.kind + 2 * side) % 8 if last.kind >= 0 else last.kind - 1_000_000
        found += [_Edge(kind, last.angle + side * np.pi / 2, abs(offset), (ends[0] + ends[1]) / 2), edge]
    return found


def _meeting(edges: list[_Edge]) -> Floats:
    """The corners at which each edge begins, (edges, 2): where its line meets that of the edge before."""
    units = np.array([edge.unit for edge in edges])
    normals = np.stack([-units[:, 1], units[:, 0]], axis=1)
    offsets = (normals * np.array([edge.point for edge in edges])).sum(axis=1)
    pairs = np.stack([np.roll(normals, 1, axis=0), normals], axis=1)
    if (np.abs(np.linalg.det(pairs)) < 0.1).any():  # two lines that hardly meet
        return np.full((len(edges), 2), np.nan)
    found = np.linalg.solve(pairs, np.stack([np.roll(offsets, 1), offsets], axis=1)[..., None])[..., 0]
    return found.astype(np.float64)


def _is_close(ring: Floats, before: shapely.Polygon, bound: float) -> bool:
    after = shapely.Polygon(ring)
    if not after.is_valid:
        return False
    common = before.intersection(after).area
    if common < CLOSE * (before.area + after.area - common):
        return False
    one, other = before.exterior, after.exterior
    return bool(one.buffer(bound).contains(other) and other.buffer(bound).contains(one))
