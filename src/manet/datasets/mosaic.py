"""Mosaics: a scene that its publisher has cut into parts, read as the whole."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.raster.windows import Window


@dataclass(frozen=True)
class Mosaic:
    """Files and the windows of the scene that they fill, without gap or overlap."""

    parts: tuple[tuple[Window, Path], ...]

    @property
    def height(self) -> int:
        return max(place.bottom for place, _ in self.parts)

    @property
    def width(self) -> int:
        return max(place.right for place, _ in self.parts)

    def read(self, window: Window, read: Callable[[Path, Window], NDArray[np.generic]]) -> NDArray[np.generic]:
        """What `read` gives for each part's share of a window, put together: (..., height, width)."""
        whole = None
        for place, path in self.parts:
            if common := window.intersect(place):
                values = read(path, common.within(place))
                if whole is None:
                    whole = np.empty((*values.shape[:-2], window.height, window.width), values.dtype)
                whole[..., *common.within(window).slices] = values
        assert whole is not None
        return whole
