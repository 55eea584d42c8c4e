"""Windows: pixel rectangles of a scene, and how to cover a scene with them."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Window:
    """A rectangle of pixels: its first row and column, its height and width."""

    row: int
    col: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        return self.row + self.height

    @property
    def right(self) -> int:
        return self.col + self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """The rows and columns of an array whose origin is the scene's."""
        return slice(self.row, self.bottom), slice(self.col, self.right)

    def intersect(self, other: "Window") -> "Window | None":
        """The part common to both, None if there is none."""
        row, col = max(self.row, other.row), max(self.col, other.col)
        height, width = min(self.bottom, other.bottom) - row, min(self.right, other.right) - col
        return Window(row, col, height, width) if height > 0 and width > 0 else None

    def contains(self, other: "Window") -> bool:
        return self.intersect(other) == other

    def within(self, outer: "Window") -> "Window":
        """The same window, seen from the first row and column of another."""
        return Window(self.row - outer.row, self.col - outer.col, self.height, self.width)

    def middle(self, height: int, width: int) -> "Window":
        """The window of at most this height and width in its middle."""
        height, width = min(height, self.height), min(width, self.width)
        return Window(self.row + (self.height - height) // 2, self.col + (self.width - width) // 2, height, width)


def starts(length: int, size: int, step: int) -> list[int]:
    """First pixels of stretches of `size`, `step` apart, that cover `length`; the last is moved back to end with it."""
    if length <= size:
        return [0]
    return [*range(0, length - size, step), length - size]


def grid(area: Window, size: int, step: int) -> list[Window]:
    """Windows of size x size, `step` apart, that cover an area row by row and stay inside it.

    Where the area is smaller than a window, the window is as small as the area.
    """
    height, width = min(size, area.height), min(size, area.width)
    return [
        Window(area.row + row, area.col + col, height, width)
        for row in starts(area.height, size, step)
        for col in starts(area.width, size, step)
    ]


def tiles(height: int, width: int, size: int = 1024) -> Iterator[Window]:
    """Disjoint windows of at most size x size that cover a raster of this height and width row by row."""
    for row in range(0, height, size):
        for col in range(0, width, size):
            yield Window(row, col, min(size, height - row), min(size, width - col))
