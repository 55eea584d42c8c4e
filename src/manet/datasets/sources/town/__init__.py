"""A generated town: a scene from above, drawn from a seed, with exact labels in the six ISPRS classes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from manet.datasets.sources.town.light import photograph
from manet.datasets.sources.town.parcels import build_parcels
from manet.datasets.sources.town.plan import layout
from manet.datasets.sources.town.scene import Scene
from manet.datasets.sources.town.streets import build_streets

__all__ = ["Town", "draw"]

_SMALLEST_SIDE = 64  # pixels


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
    """Draw the town of a seed; the same arguments always give the same town.

    Args:
        height: Rows, at least 64.
        width: Columns, at least 64.
        seed: Any integer from 0 up.
        gsd_m: Ground sampling distance, the side of a pixel in metres.

    Raises:
        ValueError: If a side is under 64 pixels, the seed negative or the sampling distance not positive.
    """
    if min(height, width) < _SMALLEST_SIDE:
        raise ValueError(f"a town needs at least {_SMALLEST_SIDE} x {_SMALLEST_SIDE} pixels, not {height} x {width}")
    if not gsd_m > 0:
        raise ValueError(f"the ground sampling distance must be positive, not {gsd_m}")
    scene = Scene(height, width, seed, gsd_m)
    streets, parcels = layout(scene)
    build_streets(streets)
    build_parcels(scene, parcels)
    shown = scene.shown()
    classes = np.array([item.material.label for item in scene.items], np.uint8)
    return Town(photograph(scene, shown), classes[shown], scene.heights)
