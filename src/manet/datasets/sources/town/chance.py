"""Chance: random choices and smooth noise."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.floating]
Rng = np.random.Generator


def pick(rng: Rng, *names: str) -> str:
    """One of the names; a name that is given twice is twice as likely."""
    return names[rng.integers(len(names))]


def noise(shape: tuple[int, int], cell: float, rng: Rng) -> Floats:
    """Smooth noise with a mean of 0 and a standard deviation of 1.

    Args:
        shape: Height and width of the result.
        cell: Size of its features, pixels.
        rng: Generator of random numbers.
    """
    rows, columns = shape
    coarse = rng.standard_normal([max(2, int(n / max(cell, 1)) + 2) for n in shape], np.float32)
    smooth = np.asarray(Image.fromarray(coarse).resize((columns, rows), Image.Resampling.BICUBIC))
    return (smooth - smooth.mean()) / smooth.std()
