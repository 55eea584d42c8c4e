"""Heights as a band of bytes beside the image's."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.errors import SceneError
from manet.raster.scene import Scene
from manet.raster.windows import Window

STEP_M = 0.2
"""Metres of height that a value stands for; 255 is 51 m and more above the scene's ground."""

LOWEST_M = -1000.0
"""Below it are no heights but what a publisher writes where there is none (-32767)."""

GROUND = 0.1
"""Per cent of a scene's pixels that may lie below its ground: outliers of the matching."""

SAMPLE = 8
"""Every so manyeth row and column decides where the ground is."""


class SurfaceHeight:
    """A surface model in metres: height above the scene's lowest ground in steps of STEP_M, 0 where there is none."""

    def __init__(self, path: Path) -> None:
        """Raises SceneError where the model has no heights at all."""
        self._scene = Scene(path)
        rows = [self._metres(Window(row, 0, 1, self._scene.width)) for row in range(0, self._scene.height, SAMPLE)]
        sample = np.concatenate([row[:, ::SAMPLE] for row in rows])
        if not np.isfinite(sample).any():
            raise SceneError(f"{path} holds no heights; get it again")
        self._ground = float(np.nanpercentile(sample, GROUND))

    def read(self, window: Window) -> NDArray[np.uint8]:
        steps = (self._metres(_inside(window, self._scene)) - self._ground) / STEP_M
        values = np.nan_to_num(np.rint(steps), nan=0.0).clip(0, 255).astype(np.uint8)
        return _extend(values, window)

    def close(self) -> None:
        self._scene.close()

    def _metres(self, window: Window) -> NDArray[np.float32]:
        values, valid = self._scene.read(window)
        metres = values[0].astype(np.float32)
        return np.where(valid & (metres > LOWEST_M), metres, np.float32(np.nan))


class NormalisedHeight:
    """Heights above ground in the publisher's own bytes, as they are."""

    def __init__(self, path: Path) -> None:
        self._scene = Scene(path)

    def read(self, window: Window) -> NDArray[np.uint8]:
        return _extend(self._scene.read(_inside(window, self._scene))[0][0].astype(np.uint8), window)

    def close(self) -> None:
        self._scene.close()


def _inside(window: Window, scene: Scene) -> Window:
    """What of a window the heights have, at least their last row and column."""
    row, col = min(window.row, scene.height - 1), min(window.col, scene.width - 1)
    inside = Window(row, col, window.height, window.width).intersect(scene.window)
    assert inside is not None
    return inside


def _extend(values: NDArray[np.uint8], window: Window) -> NDArray[np.uint8]:
    """The last row and column again where they are short of a window."""
    short = ((0, window.height - values.shape[0]), (0, window.width - values.shape[1]))
    return np.pad(values, short, mode="edge")
