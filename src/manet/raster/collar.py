"""Collars: the frame of one colour that mosaics, warps and scans leave around imagery, recognised by where it lies."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from manet.errors import SceneError
from manet.raster.scene import Scene
from manet.raster.windows import Window, tiles
from manet.raster.writer import BLOCK

Colour = Literal["auto", "keep", "black", "white", "both"]
"""Which frames are nodata: of whatever colour the scene's corners have; none; or of a given colour."""

TOLERANCE = 8 / 255
"""How far a collar's values may be from black or white, as a share of the number type's range. Lossy compression leaves
some noise."""

RUN = 64
"""A corner whose first row or column is of one value for so many pixels is of a collar."""


@dataclass(frozen=True)
class Collar:
    """Which pixels of a scene are collar.

    They have its colour, and a way of such pixels, or of nodata, leads from them to the scene's edge. So dark roofs and
    bright fields inside stay imagery.
    """

    colours: tuple[str, ...]
    """What it consists of, in words."""
    share: float
    """Of the scene's pixels, 0 to 1."""
    height: int
    width: int
    packed: NDArray[np.uint8]
    """(height, width / 8), one bit per pixel; in a temporary file."""

    def __str__(self) -> str:
        return f"a frame of {' and '.join(self.colours)}, {100 * self.share:.2g} % of the scene,"

    def covers(self, window: Window) -> NDArray[np.bool_]:
        """Which pixels of a window belong to the collar, (height, width)."""
        return self._at(np.arange(window.row, window.bottom), np.arange(window.col, window.right))

    def covers_resampled(self, window: Window, height: int, width: int) -> NDArray[np.bool_]:
        """The same for a window of the scene at another height and width; the pixels' centres count."""
        rows = (np.arange(window.row, window.bottom) + 0.5) * self.height / height
        columns = (np.arange(window.col, window.right) + 0.5) * self.width / width
        return self._at(rows.astype(int), columns.astype(int))

    def _at(self, rows: NDArray[np.integer], columns: NDArray[np.integer]) -> NDArray[np.bool_]:
        first, last = int(columns[0]) // 8, int(columns[-1]) // 8 + 1
        bits = np.unpackbits(np.asarray(self.packed[rows, first:last]), axis=1)
        return bits[:, columns - 8 * first].astype(bool)


def find_collar(scene: Scene, colour: Colour = "auto") -> Collar | None:
    """Find a scene's collar.

    If no corner is of one value, nothing more is read. Otherwise the scene is read once, block by block; what has the
    collar's colour is kept as one bit per pixel in a temporary file, in which the flood runs down and up the rows until
    nothing changes.

    Args:
        scene: A scene of any number type.
        colour: What the collar consists of. "auto": the values that at least two of the scene's corners are filled
            with.

    Returns:
        The collar; None if there is none, or if the scene is nothing else.

    Raises:
        SceneError: Black and white are not known for the number type, or the scene cannot be read.
    """
    if colour == "keep":
        return None
    found = _at_corners(scene) if colour == "auto" else _named(scene, colour)
    if not found:
        return None
    shape = scene.height, -(-scene.width // 8)
    passable, coloured, reached = (_packed(shape) for _ in range(3))
    imagery = 0
    for strip in _strips(scene):
        image, valid = (np.concatenate(parts, axis=-1) for parts in zip(*map(scene.read, strip), strict=True))
        here = np.logical_or.reduce([each.matches(image) for each in found])
        rows = slice(strip[0].row, strip[0].bottom)
        passable[rows], coloured[rows] = np.packbits(here | ~valid, axis=1), np.packbits(here & valid, axis=1)
        imagery += int(valid.sum())
    _flood(passable, reached, scene.width)
    count = 0
    for strip in _strips(scene):
        rows = slice(strip[0].row, strip[0].bottom)
        reached[rows] &= coloured[rows]
        count += int(np.unpackbits(reached[rows]).sum())
    if count in (0, imagery):
        return None
    names = tuple(each.name for each in found)
    return Collar(names, count / (scene.height * scene.width), scene.height, scene.width, reached)


@dataclass(frozen=True)
class _Fill:
    """The values of a collar."""

    name: str
    low: NDArray[Any]
    """Of each band, (bands,)."""
    high: NDArray[Any]

    def matches(self, image: NDArray[np.generic]) -> NDArray[np.bool_]:
        """Which pixels of an image (bands, height, width) have these values in all bands."""
        low, high = self.low[:, None, None], self.high[:, None, None]
        return np.asarray(((image >= low) & (image <= high)).all(axis=0))


def _named(scene: Scene, colour: Colour) -> list[_Fill]:
    """Black and white as the number type has them."""
    if not np.issubdtype(np.dtype(scene.dtype), np.unsignedinteger):
        raise SceneError(
            f"{scene.path} has values of type {scene.dtype}, for which black and white are not known; expected "
            "unsigned integers: set the collar's value as nodata instead (gdal_edit -a_nodata)"
        )
    most = int(np.iinfo(scene.dtype).max)
    noise = int(most * TOLERANCE)
    ranges = {"black": (0, noise), "white": (most - noise, most)}
    return [
        _Fill(name, np.full(scene.bands, low), np.full(scene.bands, high))
        for name, (low, high) in ranges.items()
        if colour in (name, "both")
    ]


def _at_corners(scene: Scene) -> list[_Fill]:
    """The values that at least two corners are filled with."""
    if min(scene.height, scene.width) < RUN:
        return []
    found: list[_Fill] = []
    for row, edge in ((0, 0), (scene.height - RUN, -1)):
        for col, side in ((0, 0), (scene.width - RUN, -1)):
            image, valid = scene.read(Window(row, col, RUN, RUN))
            if valid[edge, side]:
                fill = _fill(scene, image[:, edge, side])
                here = fill.matches(image) & valid
                if here[edge].all() or here[:, side].all():
                    found.append(fill)
    names = [fill.name for fill in found]
    return [fill for name, fill in dict(zip(names, found, strict=True)).items() if names.count(name) > 1]


def _fill(scene: Scene, values: NDArray[np.generic]) -> _Fill:
    """Black or white with some noise in 8 bits, which lossy compression has; else exactly these values."""
    if scene.dtype == "uint8":
        for black_or_white in _named(scene, "both"):
            if black_or_white.matches(values[:, None, None]).all():
                return black_or_white
    return _Fill("values " + ", ".join(f"{value:g}" for value in values.tolist()), values, values)


def _packed(shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Zeros in a temporary file, which goes when nothing uses them any more."""
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.uint8, "w+", shape=shape)


def _strips(scene: Scene) -> Iterator[list[Window]]:
    """Rows of blocks."""
    for _, strip in groupby(tiles(scene.height, scene.width, BLOCK), key=lambda block: block.row):
        yield list(strip)


def _flood(passable: NDArray[np.uint8], reached: NDArray[np.uint8], width: int) -> None:
    """Set what is reached from the edges through neighbouring passable pixels; all (height, width / 8), packed."""
    height, changed = len(passable), True
    while changed:
        changed = False
        for order in (range(height), range(height - 1, -1, -1)):
            before = np.ones(width, bool)  # beyond the first row lies the scene's edge
            for row in order:
                if not passable[row].any():
                    before = np.zeros(width, bool)
                    continue
                here, old = _unpacked(passable[row], width), _unpacked(reached[row], width)
                seeds = here & (before | old)
                seeds[[0, -1]] = here[[0, -1]]
                before = _along(here, seeds)
                if (before != old).any():
                    reached[row] = np.packbits(before)
                    changed = True


def _along(here: NDArray[np.bool_], seeds: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The runs of a row that hold a seed."""
    starts = here.copy()
    starts[1:] &= ~here[:-1]
    run = np.cumsum(starts)  # the number of each pixel's run, from 1
    hit = np.zeros(int(run[-1]) + 1, bool)
    hit[run[seeds]] = True
    return here & hit[run]


def _unpacked(row: NDArray[np.uint8], width: int) -> NDArray[np.bool_]:
    return np.unpackbits(np.asarray(row), count=width).astype(bool)
