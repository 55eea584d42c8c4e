"""Blending overlapping windows by weighted probabilities, in memory that does not depend on the scene's size."""

import math
import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator

import numpy as np

from manet.prediction.predictor import Floats, Predicted
from manet.raster.windows import Window

COLUMNS = 512
"""Columns of a strip that are given out at a time."""


def weights(height: int, width: int, overlap: int) -> Floats:
    """How much each pixel of a window counts, (height, width): rising from the edges over `overlap` pixels, then 1.

    Convolutions see less of the scene near a window's edge, so the middle of a neighbour knows better.
    """

    def ramp(length: int) -> Floats:
        distance = np.minimum(np.arange(length), np.arange(length)[::-1]) + 1
        return np.minimum(distance / (overlap + 1), 1).astype(np.float32)

    return ramp(height)[:, None] * ramp(width)[None, :]


def blend(
    windows: Iterable[tuple[Window, Floats | None]], region: Window, classes: int, overlap: int
) -> Iterator[Predicted]:
    """The probabilities of a region: for each row of windows the strip that no later row reaches, once it is known.

    Args:
        windows: Windows of one height that cover the region, in order of their first row, each with its probabilities
            (classes, height, width); None for a window that was left out, which adds nothing.
        region: What they cover.
        classes: Number of classes.
        overlap: Pixels that neighbouring windows share.

    Returns:
        Disjoint windows; pixels that nothing was added to stay 0. Strips are counted from 0.
    """
    strip: _Strip | None = None
    number = 0
    for window, probabilities in windows:
        if strip is None:
            strip = _Strip(Window(window.row, region.col, window.height, region.width), classes)
        if window.row > strip.window.row:
            yield from strip.advance(window.row, number)
            number += 1
        if probabilities is not None:
            share = weights(window.height, window.width, overlap)
            strip.add(window, np.concatenate([probabilities * share, share[None]]))
    if strip is not None:
        yield from strip.advance(strip.window.bottom, number)


class _Strip:
    """Weighted sums over a strip of rows, in a temporary file that is mapped column by column: scenes may be wide."""

    def __init__(self, window: Window, classes: int) -> None:
        self.window = window
        shape = window.width, window.height, classes + 1
        with tempfile.TemporaryFile() as file:
            if hasattr(os, "posix_fallocate"):  # else a full disk would kill the process when the map is written
                os.posix_fallocate(file.fileno(), 0, 4 * math.prod(shape))
            self.sums = np.memmap(file, np.float32, "w+", shape=shape)

    def add(self, window: Window, sums: Floats) -> None:
        inside = window.within(self.window)
        self.sums[inside.col : inside.right, inside.row : inside.bottom] += sums.transpose(2, 1, 0)

    def advance(self, row: int, number: int) -> Iterator[Predicted]:
        """Give out the rows above `row`, and let the strip begin there."""
        done, height = row - self.window.row, self.window.height
        for first in range(0, self.window.width, COLUMNS):
            columns = self.sums[first : first + COLUMNS]
            sums = np.array(columns[:, :done].transpose(2, 1, 0))
            columns[:, : height - done] = columns[:, done:]
            columns[:, height - done :] = 0
            weight = np.maximum(sums[-1], np.float32(1e-30))
            window = Window(self.window.row, self.window.col + first, done, len(columns))
            yield Predicted(number, window, sums[:-1] / weight, last=window.right == self.window.right)
        self.window = Window(row, self.window.col, height, self.window.width)
        if hasattr(mmap, "MADV_DONTNEED"):  # the file stays in the system's cache, but is not this process's memory
            self.sums._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]
