"""Label rasters as others make them: one band of values, a palette, or bands of colours; pixels are read as codes."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp

from manet.errors import SceneError
from manet.raster.scene import Scene, open_dataset, rasterio_window, reading
from manet.raster.windows import Window

Codes = NDArray[np.int64]
"""One number per pixel (height, width): its value, or its colour as 0xRRGGBB."""


LARGEST = 2.0**53
"""Floating-point numbers from here on are no exact whole numbers, so they are no labels."""


def pack(colour: tuple[int, int, int]) -> int:
    """The code of a colour (red, green, blue), each 0 to 255."""
    red, green, blue = colour
    return red << 16 | green << 8 | blue


class LabelRaster(Scene):
    """A raster whose pixels stand for classes.

    A nodata value is read like any other: a legend may have a class for it.

    Attributes:
        nodata: The value that the file calls nodata, None if there is none.
    """

    def __init__(self, path: str | Path) -> None:
        """Look at the raster; no pixels are read yet.

        Args:
            path: Path of a raster with one band of values or a palette, or with three bands of uint8 colours.

        Raises:
            SceneNotFoundError: There is no such file.
            SceneError: It is no image, or its bands cannot be labels.
        """
        super().__init__(path)
        with reading(self.path), open_dataset(self.path) as dataset:
            self.nodata: float | None = dataset.nodata
            table = dataset.colormap(1) if dataset.colorinterp[0] == ColorInterp.palette else {}
        self._palette = np.array([table[i] for i in range(len(table))], np.int64) if table else None
        if self.bands not in (1, 3) or (self.bands == 3 and self.dtype != "uint8"):
            raise SceneError(
                f"{self.path} has {self.bands} bands of {self.dtype}, so it holds no labels; "
                "expected one band of values, or three of uint8 colours"
            )

    @property
    def has_palette(self) -> bool:
        """Whether the values of the band are numbers of colours."""
        return self._palette is not None

    @property
    def greys(self) -> set[int]:
        """The codes of a palette's colours if all are greys, as GDAL gives to every image of one bit; else none."""
        if self._palette is None or (self._palette[:, :1] != self._palette[:, 1:3]).any():
            return set()
        return {pack((grey, grey, grey)) for grey in self._palette[:, 0].tolist()}

    def read_colours(self, window: Window) -> tuple[Codes, NDArray[np.bool_]]:
        """Read a window of a raster with colours or a palette.

        Returns:
            Colours as codes, and which pixels have one (height, width): those that are neither masked nor transparent.
        """
        bands, known = self._read(window)
        if self._palette is not None:
            inside = bands[0] < len(self._palette)
            red, green, blue, alpha = np.moveaxis(self._palette[np.where(inside, bands[0], 0)], 2, 0)
            return red << 16 | green << 8 | blue, known & inside & (alpha > 0)
        red, green, blue = bands.astype(np.int64)
        return red << 16 | green << 8 | blue, known

    def read_values(self, window: Window) -> tuple[Codes, NDArray[np.bool_]]:
        """Read a window of a raster with one band.

        Returns:
            Values as codes, and which pixels have one (height, width): those that are neither masked nor not a number.

        Raises:
            SceneError: A value is not a whole number.
        """
        bands, known = self._read(window)
        values = bands[0]
        if np.issubdtype(values.dtype, np.floating):
            known = known & np.isfinite(values)
            if self.nodata is not None and not abs(self.nodata) < LARGEST:
                known &= values != self.nodata
            values = np.where(known, values, 0)
            if (broken := (values != np.rint(values)) | (abs(values) >= LARGEST)).any():
                raise SceneError(f"{self.path} holds the value {values[broken][0]:g}; expected whole numbers as labels")
        return values.astype(np.int64), known

    def _read(self, window: Window) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        known = np.ones((window.height, window.width), bool)
        with reading(self.path):
            if self._dataset is None:
                self._dataset = self._open()
            rectangle = rasterio_window(window)
            bands = self._dataset.read(self._indexes, window=rectangle)
            if self.has_alpha:
                known &= self._dataset.read(self._alpha, window=rectangle) > 0
            if self._masked:
                known &= self._dataset.read_masks(self._indexes[0], window=rectangle) > 0
        return bands, known
