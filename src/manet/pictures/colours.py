"""What is shown in which colour: images, classes, errors."""

import numpy as np
from numpy.typing import NDArray

from manet.legend import IGNORED, Legend

Picture = NDArray[np.float64] | NDArray[np.uint8]
"""(height, width, 3): 0 to 1, or 0 to 255 in bytes."""

Key = tuple[tuple[int, int, int], str]
"""An entry of a picture's legend: a colour, and what it means."""

NOTHING = (128, 128, 128)
"""Where there is no label and no map."""


def colourise(classes: NDArray[np.integer], legend: Legend) -> NDArray[np.uint8]:
    """Class indices (height, width) in the legend's colours (height, width, 3); ignored pixels are grey."""
    table = np.full((IGNORED + 1, 3), NOTHING, np.uint8)
    table[: len(legend)] = legend.colours
    return table[classes]


def stretch(image: NDArray[np.generic]) -> NDArray[np.float64]:
    """A picture (height, width, 3) of an image (bands, height, width).

    Returns:
        The first three bands, or the first one in grey, with the percentiles 2 and 98 of each at 0 and 1. NaN in the
        image is left out of the percentiles and stays NaN.
    """
    values = np.moveaxis(image[: 3 if image.shape[0] >= 3 else 1], 0, 2).astype(np.float64)
    if np.isnan(values).all():
        return np.full((*values.shape[:2], 3), np.nan)
    low, high = np.nanpercentile(values, (2, 98), axis=(0, 1))
    return np.clip((values - low) / np.maximum(high - low, 1e-9), 0, 1).repeat(3 // values.shape[2], axis=2)


def fill(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """A picture with grey where it is NaN."""
    return np.where(np.isnan(picture), np.array(NOTHING) / 255, picture)


def legend_key(legend: Legend) -> list[Key]:
    """The colours and names of the classes, for the legend of a picture."""
    return list(zip(legend.colours, legend.names, strict=True))
