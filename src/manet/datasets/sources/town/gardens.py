"""Gardens and the trees on them."""

import numpy as np

from manet.datasets.sources.town.chance import pick
from manet.datasets.sources.town.materials import CROWNS
from manet.datasets.sources.town.plot import Plot


def garden(plot: Plot) -> None:
    """Lawn with worn and bare patches, and hedges on some of the boundaries."""
    scene, rng, half, length = plot.scene, plot.scene.gardens, plot.width / 2, plot.length
    mowing = plot.heading(length / 2 * 1j) + rng.choice((0, np.pi / 2))
    grass = scene.item(pick(rng, "lawn", "lawn", "lawn", "dry grass"), mowing)
    plot.fill(grass, complex(-half, 0), complex(half, length))
    for kind in ("dry grass", "soil", "dry grass", "lawn"):
        a, b, radius = rng.uniform((2 - half, 2, 0.7), (half - 2, length - 2, 2.6))
        plot.blob(scene.item(kind), complex(a, b), radius, rng)
    beside = length / 2 * 1j
    for centre, reach in (beside - half, beside + 0.45), (length * 1j, half + 0.45j), (0.5j, half + 0.4j):
        if rng.random() < 0.5:
            plot.box(scene.item("hedge"), centre, reach, rng.uniform(1.2, 1.7), roughness=1)


def plant(plot: Plot, start: float, density: float) -> None:
    """Trees from a distance behind the front on, where no roof stands; their crowns may well reach over one."""
    scene, rng, half = plot.scene, plot.scene.trees, plot.width / 2
    for _ in range(rng.poisson(density * plot.width * (plot.length - start))):
        centre = complex(*rng.uniform((-half, start), (half, plot.length)))
        kind, radius = pick(rng, *CROWNS), rng.uniform(1.6, 2.6) + 2.2 * rng.random() ** 2
        trunk = plot.at(centre)
        pixel = (int(trunk.imag / scene.gsd), int(trunk.real / scene.gsd))
        if not (scene.contains(trunk) and scene.heights[pixel] > 2):
            plot.tree(kind, centre, radius)
