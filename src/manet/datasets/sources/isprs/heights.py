"""Heights as a band of bytes, in addition to the image's bands."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.errors import SceneError
from manet.raster.scene import Scene
from manet.raster.windows import Window

STEP_M = 0.2
"""Metres of height per value; 255 means 51 m or more above the scene's ground."""

LOWEST_M = -1000.0
"""Values below it are not heights; the publisher writes -32767 where there is none."""

GROUND = 0.1
"""Percentage of a scene's pixels that may be below its ground, since image matching has outliers."""

SAMPLE = 8
"""The ground is found from one in so many rows and columns."""


class SurfaceHeight:
    """A surface model in metres, as heights above the scene's lowest ground in steps of STEP_M; 0 means no height."""

    def __init__(self, path: Path) -> None:
        """Open a surface model and find its ground. Raises SceneError if it holds no heights."""
        self._scene = Scene(path)
        rows = [self._metres(Window(row, 0, 1, self._scene.width)) for row in range(0, self._scene.height, SAMPLE)]
        sample = np.concatenate([row[:, ::SAMPLE] for row in rows])
        if not np.isfinite(sample).any():
            raise SceneError(f"{path} holds no heights; get it again")
        self._ground = float(np.nanpercentile(sample, GROUND))

    def read(self, window: Window) -> NDArray[np.uint8]:
        """The heights (height, width) of a window; rows and columns that the file lacks repeat the last ones."""
        steps = (self._metres(_inside(window, self._scene)) - self._ground) / STEP_M
        values = np.nan_to_num(np.rint(steps), nan=0.0).clip(0, 255).astype(np.uint8)
        return _extend(values, window)

    def close(self) -> None:
        """Close the file."""
        self._scene.close()

    def _metres(self, window: Window) -> NDArray[np.float32]:
        values, valid = self._scene.read(window)
        metres = values[0].astype(np.float32)
        return np.where(valid & (metres > LOWEST_M), metres, np.float32(np.nan))


class NormalisedHeight:
    """Heights above ground in the publisher's own bytes."""

    def __init__(self, path: Path) -> None:
        """Open a file of heights above ground."""
        self._scene = Scene(path)

    def read(self, window: Window) -> NDArray[np.uint8]:
        """The heights (height, width) of a window; rows and columns that the file lacks repeat the last ones."""
        return _extend(self._scene.read(_inside(window, self._scene))[0][0].astype(np.uint8), window)

    def close(self) -> None:
        """Close the file."""
        self._scene.close()


def _inside(window: Window, scene: Scene) -> Window:
    """The pixels of a window that the file of heights has, at least its last row or column."""
    row, col = min(window.row, scene.height - 1), min(window.col, scene.width - 1)
    inside = Window(row, col, window.height, window.width).intersect(scene.window)
    assert inside is not None
    return inside


def _extend(values: NDArray[np.uint8], window: Window) -> NDArray[np.uint8]:
    """Repeat the last row and column until the values fill a window."""
    short = ((0, window.height - values.shape[0]), (0, window.width - values.shape[1]))
    return np.pad(values, short, mode="edge")
