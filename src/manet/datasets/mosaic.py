"""Mosaics: a scene that its publisher has cut into several files, read as one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.raster.windows import Window


@dataclass(frozen=True)
class Mosaic:
    """The files of a scene."""

    files: tuple[tuple[Window, Path], ...]
    """The window of the scene that each file fills; together they cover it without gap or overlap."""

    @property
    def height(self) -> int:
        """Rows of the scene."""
        return max(window.bottom for window, _ in self.files)

    @property
    def width(self) -> int:
        """Columns of the scene."""
        return max(window.right for window, _ in self.files)

    def read(self, window: Window, read: Callable[[Path, Window], NDArray[np.generic]]) -> NDArray[np.generic]:
        """Read a window of the scene.

        Args:
            window: Pixels of the scene.
            read: Gives the values (..., height, width) of a window of one file.

        Returns:
            (..., height, width): what `read` gives for each file's share of the window, put together.
        """
        whole = None
        for filled, path in self.files:
            if common := window.intersect(filled):
                values = read(path, common.within(filled))
                if whole is None:
                    whole = np.empty((*values.shape[:-2], window.height, window.width), values.dtype)
                whole[..., *common.within(window).slices] = values
        assert whole is not None
        return whole
