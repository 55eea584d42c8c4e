"""Windows: pixel rectangles of a scene, and how to cover a scene with them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, order=True)
class Window:
    """A rectangle of pixels: its first row and column, its height and its width."""

    row: int
    col: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        """The row after the last one."""
        return self.row + self.height

    @property
    def right(self) -> int:
        """The column after the last one."""
        return self.col + self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """The rows and columns of an array whose origin is the scene's."""
        return slice(self.row, self.bottom), slice(self.col, self.right)

    def intersect(self, other: "Window") -> "Window | None":
        """The pixels that both windows have, or None if they share none."""
        row, col = max(self.row, other.row), max(self.col, other.col)
        height, width = min(self.bottom, other.bottom) - row, min(self.right, other.right) - col
        return Window(row, col, height, width) if height > 0 and width > 0 else None

    def contains(self, other: "Window") -> bool:
        """Whether the other window lies inside this one."""
        return self.intersect(other) == other

    def moved(self, rows: int, columns: int) -> "Window":
        """A window of the same size, so many rows further down and columns further right."""
        return Window(self.row + rows, self.col + columns, self.height, self.width)

    def within(self, outer: "Window") -> "Window":
        """The same pixels, counted from the first row and column of another window."""
        return self.moved(-outer.row, -outer.col)

    def middle(self, height: int, width: int) -> "Window":
        """The window of at most this height and width in its middle."""
        height, width = min(height, self.height), min(width, self.width)
        return Window(self.row + (self.height - height) // 2, self.col + (self.width - width) // 2, height, width)


class Place(NamedTuple):
    """Where a window lies in a whole: its first row and column, and the height and width of the whole."""

    row: int
    col: int
    height: int
    width: int


def starts(length: int, size: int, step: int) -> list[int]:
    """Where windows of one size begin, along one axis of a scene, so that together they cover it.

    Args:
        length: Pixels to cover.
        size: Pixels of a window along this axis.
        step: Pixels from one window to the next.

    Returns:
        First pixels, ascending from 0; the last window is moved back so that it ends with the axis.
    """
    if length <= size:
        return [0]
    return [*range(0, length - size, step), length - size]


def count_starts(length: int, size: int, step: int) -> int:
    """How many windows `starts` gives, without listing them."""
    return 1 if length <= size else -(-(length - size) // step) + 1


def grid(window: Window, size: int, step: int) -> list[Window]:
    """Windows of size x size, `step` apart, that cover another window row by row and stay inside it.

    Where the covered window is smaller than `size`, they are as small as it.
    """
    height, width = min(size, window.height), min(size, window.width)
    return [
        Window(window.row + row, window.col + col, height, width)
        for row in starts(window.height, size, step)
        for col in starts(window.width, size, step)
    ]


def tiles(height: int, width: int, size: int = 1024) -> Iterator[Window]:
    """Windows of at most size x size without overlap that cover a raster of this height and width row by row."""
    for row in range(0, height, size):
        for col in range(0, width, size):
            yield Window(row, col, min(size, height - row), min(size, width - col))
