"""Images and maps at the size of a picture, in memory that does not depend on theirs."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio import DatasetReader
from rasterio.enums import ColorInterp, Resampling

from manet.legend import IGNORED
from manet.raster.scene import open_dataset, rasterio_window, reading
from manet.raster.windows import Window

COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


def reduction(window: Window, largest: int) -> int:
    """How many pixels of a window become one in a picture of at most this height and width, along each axis."""
    return max(math.ceil(max(window.height, window.width) / largest), 1)


def reduced_size(window: Window, largest: int) -> tuple[int, int]:
    """Height and width of a window's picture, of which neither is larger than `largest` or than the window's."""
    factor = reduction(window, largest)
    return math.ceil(window.height / factor), math.ceil(window.width / factor)


def most_frequent(classes: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """The most frequent class of each block of pixels; IGNORED only where a block has no other.

    Args:
        classes: Class indices (height, width), or IGNORED.
        factor: Height and width of a block, pixels; blocks at the lower and right edge may be smaller.

    Returns:
        (height / factor, width / factor), rounded up.
    """
    known = [int(value) for value in np.unique(classes) if value != IGNORED]
    if factor == 1 or not known:
        return classes[::factor, ::factor]
    blocks = [block_shares(classes == value, factor) for value in known]
    shares = np.stack([np.full_like(blocks[0], 1e-9), *blocks])
    return np.array([IGNORED, *known], np.uint8)[shares.argmax(axis=0)]


def block_shares(pixels: NDArray[np.bool_], factor: int) -> NDArray[np.float64]:
    """The share of each block that is set, (height / factor, width / factor), rounded up; see `most_frequent`."""
    height, width = pixels.shape
    rows, columns = np.arange(0, height, factor), np.arange(0, width, factor)
    sums = np.add.reduceat(np.add.reduceat(pixels.astype(np.int32), rows, axis=0), columns, axis=1)
    sizes = np.outer(np.minimum(factor, height - rows), np.minimum(factor, width - columns))
    return sums / sizes


def read_colours(path: str | Path, window: Window, largest: int) -> NDArray[np.float32]:
    """The colours of a window of an image, from its overviews if it has any.

    Args:
        path: An image that GDAL can read.
        window: Pixels inside the image.
        largest: The largest height and width of the result, pixels.

    Returns:
        (bands, height, width): red, green and blue if the image says which bands these are, else its first three bands,
        or the first one if it has fewer. NaN where it is not valid.

    Raises:
        SceneError: The image cannot be read.
    """
    with reading(str(path)), open_dataset(path) as dataset:
        shape = reduced_size(window, largest)
        place = {"window": rasterio_window(window), "out_shape": shape}
        values = dataset.read(_shown(dataset), resampling=Resampling.average, **place).astype(np.float32)
        valid = dataset.dataset_mask(**place) > 0
    return np.where(valid & np.isfinite(values).all(axis=0), values, np.nan).astype(np.float32)


def read_classes(path: str | Path, window: Window, largest: int) -> NDArray[np.uint8]:
    """The most frequent class in each pixel of a map's picture (height, width); IGNORED where it has none.

    Args:
        path: A raster of class indices, IGNORED being its nodata value.
        window: Pixels inside the map.
        largest: The largest height and width of the result, pixels.

    Raises:
        SceneError: The map cannot be read.
    """
    with reading(str(path)), open_dataset(path) as dataset:
        shape = reduced_size(window, largest)
        place = {"window": rasterio_window(window), "out_shape": shape}
        classes = dataset.read(1, resampling=Resampling.mode, **place)
        known = dataset.read_masks(1, **place) > 0
    return np.where(known, classes, IGNORED).astype(np.uint8)


def _shown(dataset: DatasetReader) -> list[int]:
    colours = list(dataset.colorinterp)
    if all(colour in colours for colour in COLOURS):
        return [colours.index(colour) + 1 for colour in COLOURS]
    bands = [index for index, colour in enumerate(colours, 1) if colour != ColorInterp.alpha]
    return bands[:3] if len(bands) >= 3 else bands[:1]
