"""Label rasters as others make them: a band of values, a palette or bands of colours; each pixel is read as a code."""

import warnings
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning

from manet.errors import SceneError
from manet.raster.scene import Scene
from manet.raster.windows import Window

Codes = NDArray[np.int64]
"""Of each pixel (height, width): its value, or its colour as 0xRRGGBB."""


def pack(colour: tuple[int, int, int]) -> int:
    """A colour as a code."""
    red, green, blue = colour
    return red << 16 | green << 8 | blue


class LabelRaster(Scene):
    """A scene whose pixels mean classes. What it calls nodata is left as it is: the legend may have a class for it."""

    def __init__(self, path: str | Path) -> None:
        """Raises SceneError where there is no such file, or no band or colours can be labels."""
        super().__init__(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(self.path) as dataset:
                self.nodata: float | None = dataset.nodata
                self._masked = MaskFlags.per_dataset in dataset.mask_flag_enums[0]
                table = dataset.colormap(1) if dataset.colorinterp[0] == ColorInterp.palette else {}
        self._palette = np.array([table[i] for i in range(len(table))], np.int64) if table else None
        if self.bands not in (1, 3) or (self.bands == 3 and self.dtype != "uint8"):
            raise SceneError(
                f"{self.path} has {self.bands} bands of {self.dtype}, so it holds no labels; "
                "expected one band of values, or three of uint8 colours"
            )

    @property
    def has_palette(self) -> bool:
        return self._palette is not None

    def read_colours(self, window: Window) -> tuple[Codes, NDArray[np.bool_]]:
        """Colours as codes, and where there is one at all: neither masked nor transparent."""
        bands, known = self._read(window)
        if self._palette is not None:
            inside = bands[0] < len(self._palette)
            red, green, blue, alpha = np.moveaxis(self._palette[np.where(inside, bands[0], 0)], 2, 0)
            return red << 16 | green << 8 | blue, known & inside & (alpha > 0)
        red, green, blue = bands.astype(np.int64)
        return red << 16 | green << 8 | blue, known

    def read_values(self, window: Window) -> tuple[Codes, NDArray[np.bool_]]:
        """Values as codes, and where there is one at all. Raises SceneError at a value that is not whole."""
        bands, known = self._read(window)
        values = bands[0]
        if np.issubdtype(values.dtype, np.floating):
            known = known & np.isfinite(values)
            values = np.where(known, values, 0)
            if (broken := values != np.rint(values)).any():
                raise SceneError(f"{self.path} holds the value {values[broken][0]:g}; expected whole values as labels")
        return values.astype(np.int64), known

    def _read(self, window: Window) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        bands, valid = self.read(window)
        return bands, valid if self._masked else np.ones_like(valid)
