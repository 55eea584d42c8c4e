"""The plan: streets, blocks and parcels."""

from itertools import pairwise

import numpy as np

from manet.datasets.sources.town.drawing import Drawing
from manet.datasets.sources.town.plot import Plot


def layout(drawing: Drawing) -> tuple[list[Plot], list[Plot]]:
    """Cut the plan into blocks and the blocks into parcels; each cut is a street that ends at earlier streets.

    Returns:
        Streets and parcels.
    """
    rng = drawing.layout
    streets: list[Plot] = []
    parcels: list[Plot] = []

    def cut(centre: complex, wide: float, high: float, depth: int) -> None:
        axis, long, short = (1, wide, high) if wide >= high else (1j, high, wide)
        if short <= 66 and long <= 106:
            parcels.extend(_parcels(drawing, centre, axis, long, short))
            return
        width, share = 10.4 if depth < 2 else rng.uniform(7.6, 8.4), rng.uniform(0.42, 0.58)
        on = centre + axis * (share - 0.5) * long
        streets.append(Plot(drawing, on - axis * short / 2 * 1j, axis, width, short))
        for side, part in (-1, share * long - width / 2), (1, (1 - share) * long - width / 2):
            middle = on + side * axis * (width + part) / 2
            cut(middle, *((part, short) if axis == 1 else (short, part)), depth + 1)

    side = max(abs(drawing.extent) + 40, 130)  # covers the drawing however it is turned
    cut(0j, side, side, 0)
    return streets, parcels


def _parcels(drawing: Drawing, centre: complex, axis: complex, long: float, short: float) -> list[Plot]:
    """The parcels of a block: along one of its long sides, or back to back along both if it is deep enough."""
    parcels = []
    turns = (axis, -axis) if short > 36 else (axis,)
    for turn in turns:
        count = max(1, round(long / drawing.layout.uniform(15, 19)))
        edges = np.linspace(-long / 2, long / 2, count + 1)
        edges[1:-1] += drawing.layout.uniform(-1.5, 1.5, count - 1)
        for start, stop in pairwise(edges.tolist()):
            front = centre + turn * ((start + stop) / 2 - 1j * short / 2)
            parcels.append(Plot(drawing, front, turn, stop - start, short / len(turns)))
    return parcels
