"""Chance: generators of random numbers, picks and smooth noise."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.floating]
Rng = np.random.Generator


def pick(rng: Rng, *names: str) -> str:
    return names[rng.integers(len(names))]


def noise(shape: tuple[int, int], cell: float, rng: Rng) -> Floats:
    """Smooth noise of zero mean and unit deviation, with features as large as a cell of so many pixels."""
    rows, columns = shape
    coarse = rng.standard_normal([max(2, int(n / max(cell, 1)) + 2) for n in shape], np.float32)
    smooth = np.asarray(Image.fromarray(coarse).resize((columns, rows), Image.Resampling.BICUBIC))
    return (smooth - smooth.mean()) / smooth.std()
