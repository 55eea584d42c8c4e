"""Black and white collars: the frame around imagery that mosaics and scans leave. It is recognised by where it lies."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from manet.errors import SceneError
from manet.raster.scene import Scene
from manet.raster.windows import Window, tiles
from manet.raster.writer import BLOCK

Colour = Literal["black", "white", "both"]

TOLERANCE = 8 / 255
"""How far a collar's values may be from black or white, as a share of the number type's range. Lossy compression leaves
some noise."""


@dataclass(frozen=True)
class Collar:
    """Where the imagery of each row and column of a scene begins and ends; outside of it lies the collar.

    A pixel belongs to the collar if there is nothing but collar or nodata between it and the scene's edge, straight
    along its row or its column. So dark roofs and bright fields inside stay imagery.
    """

    left: NDArray[np.int64]
    """(height,): the first column with imagery in each row; the width if there is none."""
    right: NDArray[np.int64]
    """(height,): the column after the last one with imagery; 0 if there is none."""
    top: NDArray[np.int64]
    """(width,): the first row with imagery in each column; the height if there is none."""
    bottom: NDArray[np.int64]
    """(width,): the row after the last one with imagery; 0 if there is none."""

    def covers(self, window: Window) -> NDArray[np.bool_]:
        """Which pixels of a window belong to the collar, (height, width)."""
        rows, columns = window.slices
        row, col = np.arange(window.row, window.bottom)[:, None], np.arange(window.col, window.right)[None]
        along_row = (col < self.left[rows, None]) | (col >= self.right[rows, None])
        return along_row | (row < self.top[None, columns]) | (row >= self.bottom[None, columns])


def find_collar(scene: Scene, colour: Colour) -> Collar:
    """Find a scene's collar.

    The scene is read once, block by block; memory holds two numbers per row and two per column.

    Args:
        scene: A scene of unsigned integers, in which 0 is black and the largest number white.
        colour: What the collar consists of.

    Raises:
        SceneError: The scene has another number type, or cannot be read.
    """
    if not np.issubdtype(np.dtype(scene.dtype), np.unsignedinteger):
        raise SceneError(
            f"{scene.path} has values of type {scene.dtype}, for which black and white are not known; expected "
            "unsigned integers: set the collar's value as nodata instead (gdal_edit -a_nodata)"
        )
    most = int(np.iinfo(scene.dtype).max)
    left, right = np.full(scene.height, scene.width), np.zeros(scene.height, np.int64)
    top, bottom = np.full(scene.width, scene.height), np.zeros(scene.width, np.int64)
    for block in tiles(scene.height, scene.width, BLOCK):
        image, valid = scene.read(block)
        brightness, imagery = image.astype(np.float32), valid.copy()
        if colour != "white":
            imagery &= (brightness > most * TOLERANCE).any(axis=0)
        if colour != "black":
            imagery &= (brightness < most * (1 - TOLERANCE)).any(axis=0)
        rows, columns = block.slices
        found, first, last = _ends(imagery)
        left[rows] = np.minimum(left[rows], np.where(found, block.col + first, scene.width))
        right[rows] = np.maximum(right[rows], np.where(found, block.col + last, 0))
        found, first, last = _ends(imagery.T)
        top[columns] = np.minimum(top[columns], np.where(found, block.row + first, scene.height))
        bottom[columns] = np.maximum(bottom[columns], np.where(found, block.row + last, 0))
    return Collar(left, right, top, bottom)


def _ends(imagery: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.intp], NDArray[np.intp]]:
    """Whether there is imagery in each row, its first pixel, and the pixel after its last one."""
    return np.asarray(imagery.any(axis=1)), imagery.argmax(axis=1), imagery.shape[1] - imagery[:, ::-1].argmax(axis=1)
