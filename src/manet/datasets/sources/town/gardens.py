"""Gardens and their trees."""

import numpy as np

from manet.datasets.sources.town.chance import pick
from manet.datasets.sources.town.materials import CROWNS
from manet.datasets.sources.town.plot import Plot


def garden(plot: Plot) -> None:
    """Draw lawn with worn and bare patches, and hedges along some of the boundaries."""
    drawing, rng, half, length = plot.drawing, plot.drawing.gardens, plot.width / 2, plot.length
    mowing = plot.heading(length / 2 * 1j) + rng.choice((0, np.pi / 2))
    grass = drawing.item(pick(rng, "lawn", "lawn", "lawn", "dry grass"), mowing)
    plot.fill(grass, complex(-half, 0), complex(half, length))
    for kind in ("dry grass", "soil", "dry grass", "lawn"):
        a, b, radius = rng.uniform((2 - half, 2, 0.7), (half - 2, length - 2, 2.6))
        plot.blob(drawing.item(kind), complex(a, b), radius, rng)
    beside = length / 2 * 1j
    for centre, reach in (beside - half, beside + 0.45), (length * 1j, half + 0.45j), (0.5j, half + 0.4j):
        if rng.random() < 0.5:
            plot.box(drawing.item("hedge"), centre, reach, rng.uniform(1.2, 1.7), roughness=1)


def plant(plot: Plot, start: float, density: float) -> None:
    """Draw trees outside of roofs, though their crowns may reach over a roof.

    Args:
        plot: Where to plant.
        start: Distance from the front, metres.
        density: Trees per square metre.
    """
    drawing, rng, half = plot.drawing, plot.drawing.trees, plot.width / 2
    for _ in range(rng.poisson(density * plot.width * (plot.length - start))):
        centre = complex(*rng.uniform((-half, start), (half, plot.length)))
        kind, radius = pick(rng, *CROWNS), rng.uniform(1.6, 2.6) + 2.2 * rng.random() ** 2
        trunk = plot.at(centre)
        pixel = (int(trunk.imag / drawing.gsd), int(trunk.real / drawing.gsd))
        if not (drawing.contains(trunk) and drawing.heights[pixel] > 2):
            plot.tree(kind, centre, radius)
