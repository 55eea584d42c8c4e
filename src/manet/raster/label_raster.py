"""Label rasters as others make them: one band of values, a palette, or bands of colours; pixels are read as codes."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags

from manet.errors import SceneError
from manet.raster.scene import Scene, open_dataset, reading
from manet.raster.windows import Window

Codes = NDArray[np.int64]
"""One number per pixel (height, width): its value, or its colour as 0xRRGGBB."""


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
        """Whether the values of the band are numbers of colours."""
        return self._palette is not None

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
            values = np.where(known, values, 0)
            if (broken := values != np.rint(values)).any():
                raise SceneError(f"{self.path} holds the value {values[broken][0]:g}; expected whole numbers as labels")
        return values.astype(np.int64), known

    def _read(self, window: Window) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        bands, valid = self.read(window)
        return bands, valid if self._masked else np.ones_like(valid)
