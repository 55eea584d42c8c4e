"""Streets: asphalt, markings, parked cars and rows of trees."""

import numpy as np

from manet.datasets.sources.town.chance import pick
from manet.datasets.sources.town.plot import Plot

_PAVEMENT = 1.7
"""Width of the pavements, metres."""


def build_streets(streets: list[Plot]) -> None:
    """Draw all streets."""
    for street in streets:
        _build(street, [other for other in streets if other is not street])


def _build(street: Plot, others: list[Plot]) -> None:
    drawing, length, rng = street.drawing, street.length, street.drawing.layout
    half = street.width / 2 - _PAVEMENT
    for item, wide, on in (drawing.item("kerb"), 0.2, 0.0), (drawing.item("asphalt"), 0.0, 0.25):
        edge, reach = half + wide, _PAVEMENT + on
        street.fill(item, -edge - reach * 1j, edge + (length + reach) * 1j)
        for end, inner in (
            (-reach * 1j, 0.2j),
            ((length + reach) * 1j, (length - 0.2) * 1j),
        ):  # wider at its ends
            street.fill(item, end - edge - 1.5, end + edge + 1.5, inner + edge, inner - edge)
    for _ in range(int(length / 12)):  # repairs
        a, b, wide, long = rng.uniform((-half, 0, 0.5, 1.0), (half - 1.8, length, 1.8, 7.0))
        street.fill(drawing.item("asphalt"), complex(a, b), complex(a + wide, b + long))
    marking = drawing.item("marking")
    if half > 3:
        for b in np.arange(6, length - 8, 6.0):
            street.fill(marking, complex(-0.08, b), complex(0.08, b + 3))
    for b in (1.2, length - 4.2):
        if rng.random() < 0.6:  # a crossing
            for a in np.arange(0.4 - half, half - 0.6, 1.0):
                street.fill(marking, complex(a, b), complex(a + 0.5, b + 3))
    _park_along(street, half, others)
    if drawing.trees.random() < 0.7:
        kind, side = pick(drawing.trees, "broadleaf", "pale broadleaf"), drawing.trees.choice((-1, 1))
        for b in np.arange(7, length - 6, drawing.trees.uniform(8, 13)):
            street.tree(kind, complex(side * (half + 1.3), b), drawing.trees.uniform(1.8, 3.2))


def _park_along(street: Plot, half: float, others: list[Plot]) -> None:
    """Draw cars at the kerb, away from where other streets meet, and on main roads some cars that are moving."""
    rng = street.drawing.cars
    for side in (-1, 1) if half > 3 else (rng.choice((-1, 1)),):
        b = rng.uniform(8, 14)
        while b < street.length - 9:
            place = complex(side * (half / 3 if half > 3 and rng.random() < 0.2 else half - 1.05), b)
            local = [((street.front + place * street.turn - o.front) / o.turn, o) for o in others]
            if all(abs(z.real) > o.width / 2 + 2 or not -9 < z.imag < o.length + 9 for z, o in local):
                street.car(place)
            b += rng.uniform(5.5, 32)
