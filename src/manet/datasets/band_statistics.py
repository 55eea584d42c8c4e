"""Mean, deviation and range of bands, summed window by window."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.datasets.manifest import Area, BandStatistics, SceneEntry
from manet.datasets.split_areas import read_areas
from manet.errors import DatasetError

Values = NDArray[np.generic]
"""(bands, pixels)"""


def band_statistics(folder: Path, scenes: tuple[SceneEntry, ...], areas: tuple[Area, ...]) -> BandStatistics:
    """Mean, deviation and range of the valid pixels in areas of the train split.

    Args:
        folder: Folder of the prepared dataset.
        scenes: The dataset's scenes.
        areas: Windows of these scenes.

    Raises:
        DatasetError: The areas hold no valid pixel.
    """
    moments: Moments | None = None
    for image, valid in read_areas(folder, scenes, areas, "image"):
        values = image.reshape(len(image), -1) if valid.all() else image[:, valid]
        if values.size:
            moments = moments or Moments(values)
            moments.add(values)
    if moments is None:
        raise DatasetError("the train split has no valid pixel; check the split and the nodata values of its scenes")
    return moments.statistics()


class Moments:
    """Sums of values and of their squares; small integers are counted instead, which is faster and exact.

    Exact also means the same on every machine, so that the same imagery gives the same manifest, by whose digest a
    dataset is known.
    """

    def __init__(self, first: Values) -> None:
        """Start with no values.

        Args:
            first: Some of the values. All are summed as distances from their mean, because sums of squares lose digits
                far from it.
        """
        self._count = 0
        small = first.dtype.kind in "iu" and first.dtype.itemsize <= 2
        low, high = (np.iinfo(str(first.dtype)).min, np.iinfo(str(first.dtype)).max) if small else (0, 0)
        self._values = np.arange(low, high + 1) if small else None
        self._counts = np.zeros((len(first), high - low + 1), np.int64)
        self._shift = first.mean(axis=1, dtype=np.float64, keepdims=True)
        self._total, self._square = np.zeros(len(first)), np.zeros(len(first))
        self._low, self._high = np.full(len(first), np.inf), np.full(len(first), -np.inf)

    def add(self, values: Values) -> None:
        """Take more values, of the first ones' bands and number type."""
        self._count += values.shape[1]
        if self._values is not None:
            for counts, band in zip(self._counts, values, strict=True):
                counts += np.bincount(band.astype(np.intp) - self._values[0], minlength=len(counts))
            return
        off = values - self._shift
        self._total += off.sum(axis=1)
        self._square += (off**2).sum(axis=1)
        self._low, self._high = np.minimum(self._low, values.min(axis=1)), np.maximum(self._high, values.max(axis=1))

    def statistics(self) -> BandStatistics:
        """The statistics of all values so far; a constant band has a deviation of 1, so that it is only centred."""
        if self._values is not None:
            return _of_counts(self._values.tolist(), self._counts.tolist())
        variance = self._square / self._count - (self._total / self._count) ** 2
        std = np.where(variance > 0, np.sqrt(np.maximum(variance, 0)), 1)
        mean = self._shift[:, 0] + self._total / self._count
        return BandStatistics(mean=tuple(mean), std=tuple(std), minimum=tuple(self._low), maximum=tuple(self._high))


def _of_counts(values: list[int], bands: list[list[int]]) -> BandStatistics:
    """Statistics in integers up to the last division; `bands` says how often each value occurs, one list per band."""
    mean, std, minimum, maximum = [], [], [], []
    for counts in bands:
        there = [(value, count) for value, count in zip(values, counts, strict=True) if count]
        number, total = sum(count for _, count in there), sum(value * count for value, count in there)
        square = sum(value**2 * count for value, count in there)
        mean.append(total / number)
        std.append(math.sqrt((number * square - total**2) / number**2) or 1.0)
        minimum.append(there[0][0])
        maximum.append(there[-1][0])
    return BandStatistics(mean=tuple(mean), std=tuple(std), minimum=tuple(minimum), maximum=tuple(maximum))
