"""How much a prediction would compute, and a bound on it, since a small file can describe an endless scene."""

import time

import numpy as np

from manet.card import Card
from manet.errors import OptionError
from manet.prediction.settings import WINDOW, PredictionSettings
from manet.raster.scene import Scene
from manet.runtime.protocol import Runtime

MEASURED = 256
"""Height and width of the image that the rate is measured on, pixels."""


def check_work(runtime: Runtime, card: Card, seen: Scene, settings: PredictionSettings) -> None:
    """Refuse what would compute more than the settings allow; how long it would take is measured then.

    Args:
        runtime: What computes the network.
        card: What the network was trained on.
        seen: The scene, on its own grid or as the network sees it.
        settings: How to predict.

    Raises:
        OptionError: It would compute more megapixels than `settings.limit_megapixels`.
    """
    megapixels = seen.height * seen.width / 1e6 * _times(settings)
    if megapixels <= settings.limit_megapixels:
        return
    hours = megapixels / _rate(runtime, len(card.bands)) / 3600
    raise OptionError(
        f"mapping {seen.path} would compute {megapixels:,.0f} megapixels ({seen.height:,} x {seen.width:,} pixels "
        f"as the network sees it), about {hours:,.0f} hours here; the limit is "
        f"{settings.limit_megapixels:,.0f}: cut the scene, or allow it",
        option="yes",
    )


def _times(settings: PredictionSettings) -> float:
    """How often a pixel is computed: where windows overlap, in every pose, twice with scene context."""
    if settings.context == "scene":
        return 2.0
    window = settings.window or WINDOW
    poses = {"none": 1, "flips": 4, "d4": 8, "multiscale": 6}[settings.augmentation]
    return poses * (window / max(window - settings.overlap, 1)) ** 2


def _rate(runtime: Runtime, bands: int) -> float:
    """Megapixels a second, measured on one image after another that warms up."""
    side = min(runtime.only_size or (MEASURED, MEASURED))
    image, begin = np.zeros((1, bands, side, side), np.float32), 0.0
    for _ in range(2):
        begin = time.perf_counter()
        runtime.whole(image)
    return side * side / 1e6 / (time.perf_counter() - begin)
