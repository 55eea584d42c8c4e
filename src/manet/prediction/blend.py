"""Blending overlapping windows by weighted probabilities, in memory that does not depend on the scene's height."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from manet.raster.windows import Window

Floats = NDArray[np.float32]


def weights(height: int, width: int, overlap: int) -> Floats:
    """How much each pixel of a window counts, (height, width): rising from the edges over `overlap` pixels, then 1.

    Convolutions see less of the scene near a window's edge, so the middle of a neighbour knows better.
    """

    def ramp(length: int) -> Floats:
        distance = np.minimum(np.arange(length), np.arange(length)[::-1]) + 1
        return np.minimum(distance / (overlap + 1), 1).astype(np.float32)

    return ramp(height)[:, None] * ramp(width)[None, :]


def blend(
    parts: Iterable[tuple[Window, Floats | None]], area: Window, classes: int, overlap: int
) -> Iterator[tuple[Window, Floats]]:
    """Probabilities of whole strips of rows of an area, each as soon as no later window reaches it.

    parts: windows that cover the area, in order of their first row, each with its probabilities (classes, height,
    width); None for a window that was left out, which adds nothing. Pixels that no window adds to stay 0.
    Yields (strip, probabilities (classes, height, width)), the strips disjoint and in order.
    """
    total: Floats = np.zeros((classes, 0, area.width), np.float32)
    weight: Floats = np.zeros((0, area.width), np.float32)
    top = area.row

    def finished(rows: int) -> tuple[Window, Floats]:
        strip = Window(top, area.col, rows, area.width)
        return strip, np.divide(total[:, :rows], np.maximum(weight[:rows], 1e-30), dtype=np.float32)

    for window, probabilities in parts:
        if rows := window.row - top:
            yield finished(rows)
            total, weight, top = total[:, rows:].copy(), weight[rows:].copy(), window.row
        if (missing := window.bottom - top - weight.shape[0]) > 0:
            total = np.concatenate([total, np.zeros((classes, missing, area.width), np.float32)], axis=1)
            weight = np.concatenate([weight, np.zeros((missing, area.width), np.float32)])
        if probabilities is not None:
            share = weights(window.height, window.width, overlap)
            rows_columns = window.within(Window(top, area.col, area.height, area.width)).slices
            total[:, *rows_columns] += probabilities * share
            weight[rows_columns] += share
    yield finished(weight.shape[0])
