"""A generated town: a scene from above, drawn from a seed, with exact labels in the six ISPRS classes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from manet.datasets.sources.town.drawing import Drawing
from manet.datasets.sources.town.light import photograph
from manet.datasets.sources.town.parcels import build_parcels
from manet.datasets.sources.town.plan import layout
from manet.datasets.sources.town.streets import build_streets
from manet.errors import OptionError

__all__ = ["Town", "draw"]

SMALLEST_SIDE = 64
"""Pixels."""


@dataclass(frozen=True)
class Town:
    """A town from above.

    Attributes:
        image: (4, height, width) red, green, blue and near infrared, 0 to 255.
        labels: (height, width) classes: 0 impervious surfaces, 1 building, 2 low vegetation, 3 tree, 4 car, 5 clutter.
        heights: (height, width) metres above ground, 0 on the ground.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    heights: NDArray[np.float32]


def draw(height: int, width: int, seed: int, gsd_m: float = 0.1) -> Town:
    """Draw a town; the same arguments always give the same one.

    Args:
        height: Rows, at least 64.
        width: Columns, at least 64.
        seed: 0 or larger.
        gsd_m: Ground sampling distance, the side of a pixel in metres, larger than 0.

    Raises:
        OptionError: A side is smaller than 64 pixels, the seed is negative, or the sampling distance is not positive.
    """
    if min(height, width) < SMALLEST_SIDE:
        raise OptionError(f"a town needs at least {SMALLEST_SIDE} x {SMALLEST_SIDE} pixels, got {height} x {width}")
    if seed < 0:
        raise OptionError(f"got seed {seed}; expected 0 or larger")
    if not gsd_m > 0:
        raise OptionError(f"got a ground sampling distance of {gsd_m} m; expected one larger than 0")
    drawing = Drawing(height, width, seed, gsd_m)
    streets, parcels = layout(drawing)
    build_streets(streets)
    build_parcels(drawing, parcels)
    shown = drawing.shown()
    classes = np.array([item.material.label for item in drawing.items], np.uint8)
    return Town(photograph(drawing, shown), classes[shown], drawing.heights)
