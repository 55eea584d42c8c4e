"""Images that are in memory already, read as scenes are."""

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine

from manet.raster.scene import Scene
from manet.raster.windows import Window


class ArrayScene(Scene):
    """An array (bands, height, width) with its valid pixels and, where it has one, its georeference."""

    def __init__(
        self,
        image: NDArray[np.generic],
        valid: NDArray[np.bool_] | None = None,
        *,
        band_names: tuple[str, ...] = (),
        crs: CRS | None = None,
        transform: Affine = Affine.identity(),  # noqa: B008 (immutable)
        name: str = "the array",
    ) -> None:
        """
        Args:
            image: (bands, height, width) in the imagery's own values.
            valid: (height, width), whether a pixel counts; None: all that are finite.
            band_names: As many as there are bands; empty where they are not known.
            crs: Coordinate system of `transform`; None without a georeference.
            transform: From columns and rows to coordinates.
            name: What messages call it.
        """
        self.path, self.files = name, ()
        self.image, self.valid = image, np.ones(image.shape[1:], bool) if valid is None else valid
        self.height, self.width = image.shape[1:]
        self.crs, self.transform, self.dtype = crs, transform, str(image.dtype)
        self.band_names = list(band_names) or [f"band {number}" for number in range(1, len(image) + 1)]
        self.described = bool(band_names)
        self.has_alpha, self.control_points, self.orientation, self.is_scaled = False, 0, 1, False
        self._indexes = list(range(len(image)))
        self._dataset = self._source = self._resampling = self._left_out = None
        self.senseless = set()

    def read(self, window: Window) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        image, valid = self.image[self._indexes][:, *window.slices], self.valid[window.slices].copy()
        if self._left_out is not None:
            valid &= ~self._left_out(window)
        return image, self._measured(image, valid, window)

    def identity(self) -> dict[str, str | int]:
        return {"path": self.path}


def scene_of_dataset(dataset: rasterio.DatasetReader) -> Scene:
    """An open dataset as a scene: its file where it is of one, else its pixels read into memory."""
    if type(dataset) is rasterio.DatasetReader:
        return Scene(dataset.name)
    names = tuple(name or "" for name in dataset.descriptions)
    return ArrayScene(
        dataset.read(),
        dataset.dataset_mask() > 0,
        band_names=names if all(names) else (),
        crs=dataset.crs,
        transform=dataset.transform,
        name=dataset.name,
    )
