"""Black and white collars: the frame that mosaics and scans leave around imagery, told from imagery by its place."""

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
"""How far from black or white a collar may be, of the number type's range: lossy compression leaves some noise."""


@dataclass(frozen=True)
class Collar:
    """How far a scene's collar reaches: from each end of each row, and of each column, as first and last pixels of
    imagery. A pixel is the collar's if nothing but collar or nodata lies between it and the scene's edge, straight
    along its row or its column; so dark roofs and bright fields inside stay imagery."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    top: NDArray[np.int64]
    bottom: NDArray[np.int64]

    def covers(self, window: Window) -> NDArray[np.bool_]:
        """Which pixels of a window are the collar's, (height, width)."""
        rows, columns = window.slices
        row, col = np.arange(window.row, window.bottom)[:, None], np.arange(window.col, window.right)[None]
        along_row = (col < self.left[rows, None]) | (col >= self.right[rows, None])
        return along_row | (row < self.top[None, columns]) | (row >= self.bottom[None, columns])


def find_collar(scene: Scene, colour: Colour) -> Collar:
    """Reads the scene once, block by block; memory holds two numbers a row and two a column.

    Raises SceneError for number types without a white.
    """
    if not np.issubdtype(np.dtype(scene.dtype), np.unsignedinteger):
        raise SceneError(
            f"{scene.path} is of {scene.dtype}, where black and white are not known; expected unsigned whole numbers: "
            "give the collar a nodata value instead (gdal_edit -a_nodata)"
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
    """Of each row: whether there is imagery, its first pixel, and the one after its last."""
    return np.asarray(imagery.any(axis=1)), imagery.argmax(axis=1), imagery.shape[1] - imagery[:, ::-1].argmax(axis=1)
