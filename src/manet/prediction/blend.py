"""Blending overlapping windows by weighted probabilities, in memory that does not depend on the scene's size."""

import tempfile
from collections.abc import Iterable, Iterator

import numpy as np

from manet.prediction.predictor import Floats, Strip
from manet.raster.windows import Window

COLUMNS = 512
"""Columns of a strip that are in memory at a time."""


def weights(height: int, width: int, overlap: int) -> Floats:
    """How much each pixel of a window counts, (height, width): rising from the edges over `overlap` pixels, then 1.

    Convolutions see less of the scene near a window's edge, so the middle of a neighbour knows better.
    """

    def ramp(length: int) -> Floats:
        distance = np.minimum(np.arange(length), np.arange(length)[::-1]) + 1
        return np.minimum(distance / (overlap + 1), 1).astype(np.float32)

    return ramp(height)[:, None] * ramp(width)[None, :]


def blend(parts: Iterable[tuple[Window, Floats | None]], area: Window, classes: int, overlap: int) -> Iterator[Strip]:
    """Probabilities of an area: for each row of windows the strip that no later row reaches, as soon as it is known.

    parts: windows of one height that cover the area, in order of their first row, each with its probabilities (classes,
    height, width); None for a window that was left out, which adds nothing. Pixels that no window adds to stay 0.
    """
    strip: _Strip | None = None
    try:
        for window, probabilities in parts:
            if strip is None:
                strip = _Strip(Window(window.row, area.col, window.height, area.width), classes)
            if window.row > strip.place.row:
                yield strip.advance(window.row)
            if probabilities is not None:
                share = weights(window.height, window.width, overlap)
                strip.add(window, np.concatenate([probabilities * share, share[None]]))
        if strip is not None:
            yield strip.advance(strip.place.bottom)
    finally:
        if strip is not None:
            strip.close()


class _Strip:
    """Weighted sums over a strip of rows, kept in a temporary file column by column: scenes may be wide."""

    def __init__(self, place: Window, classes: int) -> None:
        self.place, self.shape = place, (place.height, classes + 1)
        self.column = 4 * self.shape[0] * self.shape[1]  # bytes
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self.file.truncate(self.column * place.width)

    def add(self, window: Window, sums: Floats) -> None:
        first = window.col - self.place.col
        columns = self._read(first, window.width)
        rows = slice(window.row - self.place.row, window.bottom - self.place.row)
        columns[:, rows] += sums.transpose(2, 1, 0)
        self._write(first, columns)

    def advance(self, row: int) -> Strip:
        """Give out the rows above `row`, and let the strip begin there."""
        done = row - self.place.row
        for first in range(0, self.place.width, COLUMNS):
            width = min(COLUMNS, self.place.width - first)
            columns = self._read(first, width)
            sums = columns[:, :done].transpose(2, 1, 0)
            rest = np.zeros_like(columns)
            rest[:, : self.place.height - done] = columns[:, done:]
            self._write(first, rest)
            weight = np.maximum(sums[-1], np.float32(1e-30))
            yield Window(self.place.row, self.place.col + first, done, width), sums[:-1] / weight
        self.place = Window(row, self.place.col, self.place.height, self.place.width)

    def close(self) -> None:
        self.file.close()

    def _read(self, first: int, width: int) -> Floats:
        self.file.seek(first * self.column)
        return np.frombuffer(bytearray(self.file.read(width * self.column)), np.float32).reshape(width, *self.shape)

    def _write(self, first: int, columns: Floats) -> None:
        self.file.seek(first * self.column)
        self.file.write(columns.tobytes())
