"""Scenes: georeferenced images, read window by window."""

import copy
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.transform import Affine, xy
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window as RasterioWindow

from manet.errors import SceneError
from manet.raster.windows import Window


class Scene:
    """An image that GDAL can read. Bands are the image's own, an alpha band left out.

    The file is opened at the first read in each process, so a scene can be handed to workers.
    """

    def __init__(self, path: str | Path, alpha: bool = True) -> None:
        """alpha: whether an alpha band says which pixels are valid; else it is a band as others, and all are valid.

        Raises SceneError where there is no such file or it is no image.
        """
        self.path = str(path)
        self._dataset: rasterio.DatasetReader | None = None
        self._all_valid = not alpha
        self._source: rasterio.DatasetReader | None = None
        """What a resampled scene is read from."""
        self._resampling: Resampling | None = None
        self._left_out: Callable[[Window], NDArray[np.bool_]] | None = None
        with _reading(self.path), _open(self.path) as dataset:
            self.height: int = dataset.height
            self.width: int = dataset.width
            self.crs: CRS | None = dataset.crs
            self.transform: Affine = dataset.transform
            self.dtype: str = dataset.dtypes[0]
            colours = enumerate(dataset.colorinterp, 1)
            self._indexes = [i for i, colour in colours if colour != ColorInterp.alpha or not alpha]
            self.has_alpha: bool = len(self._indexes) < dataset.count
            # where a resampled scene has one in any case
            self._alpha = next((i for i in range(1, dataset.count + 1) if i not in self._indexes), dataset.count + 1)
            self.band_names: list[str] = [
                dataset.descriptions[i - 1] or dataset.colorinterp[i - 1].name for i in self._indexes
            ]
            self.described: bool = all(dataset.descriptions[i - 1] for i in self._indexes)
            """Whether every band has a name of its own, where others have at best that of a colour."""

    @property
    def bands(self) -> int:
        return len(self._indexes)

    @property
    def window(self) -> Window:
        """The whole scene."""
        return Window(0, 0, self.height, self.width)

    def read(self, window: Window) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        """Image (bands, height, width) in its own type, and which pixels are valid (height, width).

        Not valid are pixels of nodata value, masked or fully transparent ones, and those that are not finite.
        Raises SceneError where the file cannot be read, as when it is truncated.
        """
        with _reading(self.path):
            if self._dataset is None:
                self._dataset = self._open()
            rectangle = RasterioWindow(window.col, window.row, window.width, window.height)  # type: ignore[call-arg]
            image = self._dataset.read(self._indexes, window=rectangle)
            if self._all_valid:
                valid = np.ones(image.shape[1:], bool)
            elif (
                self.has_alpha or self._resampling is not None
            ):  # GDAL takes an alpha band for a mask where it is of bytes alone
                valid = self._dataset.read(self._alpha, window=rectangle) > 0
            else:
                valid = self._dataset.dataset_mask(window=rectangle) > 0
        if np.issubdtype(image.dtype, np.floating):
            valid &= np.isfinite(image).all(axis=0)
        if self._left_out is not None:
            valid &= ~self._left_out(window)
        return image, valid

    def gsd_m(self) -> float | None:
        """Ground sampling distance at the scene's centre in metres, measured on the ellipsoid; None without a CRS."""
        if self.crs is None:
            return None
        to_degrees = Transformer.from_crs(self.crs.to_wkt(), "EPSG:4326", always_xy=True)
        row, col = self.height // 2, self.width // 2
        eastings, northings = xy(self.transform, [row, row, row + 1], [col, col + 1, col])
        (x0, x1, x2), (y0, y1, y2) = to_degrees.transform(eastings, northings)
        geod = Geod(ellps="WGS84")
        return float((geod.inv(x0, y0, x1, y1)[2] * geod.inv(x0, y0, x2, y2)[2]) ** 0.5)

    def identity(self) -> dict[str, str | int]:
        """What tells whether this is still the same image: its path, and the size and last change of a local file."""
        path = Path(self.path)
        if not path.exists():
            return {"path": self.path}
        state = path.stat()
        return {"path": str(path.resolve()), "bytes": state.st_size, "changed_ns": state.st_mtime_ns}

    def select(self, order: Sequence[int]) -> Self:
        """The same scene with these of its bands, in this order."""
        scene = self._copy()
        scene._indexes = [self._indexes[index] for index in order]
        scene.band_names = [self.band_names[index] for index in order]
        return scene

    def without(self, left_out: Callable[[Window], NDArray[np.bool_]]) -> Self:
        """The same scene where pixels are not valid that a function of a window says, (height, width)."""
        scene = self._copy()
        scene._left_out = left_out
        return scene

    def at(self, gsd_m: float) -> Self:
        """The same scene at another ground sampling distance, resampled as it is read.

        A larger pixel is the mean of the valid ones in it, a smaller one lies between its neighbours (bilinear); both
        without seams between windows. Raises SceneError where the scene's own distance is unknown.
        """
        own = self.gsd_m()
        if own is None:
            raise SceneError(f"{self.path} has no CRS, so its ground sampling distance is unknown; assign one")
        scene = self._copy()
        scene._resampling = Resampling.average if gsd_m > own else Resampling.bilinear
        scene.height, scene.width = (max(round(size * own / gsd_m), 1) for size in (self.height, self.width))
        right, down = self.width / scene.width, self.height / scene.height
        t = self.transform
        scene.transform = Affine(t.a * right, t.b * down, t.c, t.d * right, t.e * down, t.f)
        return scene

    def close(self) -> None:
        for dataset in (self._dataset, self._source):
            if dataset is not None:
                dataset.close()
        self._dataset = self._source = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_dataset": None, "_source": None}

    def _copy(self) -> Self:
        scene = copy.copy(self)
        assert scene._dataset is None and scene._source is None  # by __getstate__
        return scene

    def _open(self) -> rasterio.DatasetReader:
        if self._resampling is None:
            return _open(self.path)
        self._source = source = _open(self.path)
        # a mask of its own and nodata become an alpha band, which an image may have already
        return WarpedVRT(
            source,
            crs=source.crs,
            transform=self.transform,
            height=self.height,
            width=self.width,
            resampling=self._resampling,
            add_alpha=not self.has_alpha,
        )


def _open(path: str) -> rasterio.DatasetReader:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(path)


class _reading:  # noqa: N801 (a context manager used like a function)
    """Turns the errors of GDAL into one line about the file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> None:
        if not self.path.startswith(("/vsi", "http", "s3:", "gs:", "az:", "zip:", "tar:")):
            if not Path(self.path).exists():
                raise SceneError(f"no image at {self.path}; give the path of an image that GDAL can read")
            if Path(self.path).is_dir():
                raise SceneError(f"{self.path} is a folder; give the path of an image in it")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, RasterioError):
            reason = str(error.__cause__ or error).splitlines()[0]
            raise SceneError(
                f"{self.path} cannot be read as an image ({reason}); it may be truncated or no image: "
                "check it with gdalinfo, or get it again"
            ) from error
