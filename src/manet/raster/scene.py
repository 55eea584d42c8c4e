"""Scenes: georeferenced images, read window by window."""

import copy
import hashlib
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from pyproj.exceptions import ProjError
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.transform import Affine, xy
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window as RasterioWindow

from manet.errors import SceneError, SceneNotFoundError
from manet.raster.windows import Window

LISTED = 5
"""Images of a container that an error names."""

NOT_LOCAL = re.compile(r"/vsi|https?:|s3:|gs:|az:|zip:|tar:|[A-Z][A-Z0-9_]+:")
"""How names begin that GDAL opens, but that are no local paths; the last are images in containers, GPKG:FILE:TABLE."""


SENSELESS = 1e12
"""No measurement is that large; files have such values where they mean that there is none."""

MOST = 10_000
"""How many pixels without a measurement are counted."""


class Scene:
    """An image that GDAL can read. Bands are the image's own, without an alpha band.

    The file is opened at the first read in each process, so a scene can be handed to workers.

    Attributes:
        path: Path or address, as GDAL reads it.
        height, width: Pixels.
        crs: None if the image has none.
        transform: From columns and rows to map coordinates.
        dtype: Number type of the values, such as "uint8".
        band_names: The bands' descriptions, or else their colours, or else "undefined".
        described: Whether every band has a description.
        has_alpha: Whether an alpha band says which pixels are valid.
        senseless: Pixels that were read, are no measurements (not finite, or 1e12 and more) and so count as nodata:
            their numbers row by row, MOST at most.
        control_points: How many ground control points place the image, if nothing else does; they are not used.
        orientation: How the camera says that the stored pixels are to be turned (EXIF, 1 to 8); 1 is not at all.
        is_scaled: Whether the file names a scale or an offset for its values, which is not applied.
    """

    def __init__(self, path: str | Path, alpha: bool = True) -> None:
        """Look at the image; no pixels are read yet.

        Args:
            path: Path or address of an image.
            alpha: Whether an alpha band says which pixels are valid. If not, it is a band like others and all pixels
                are valid.

        Raises:
            SceneNotFoundError: There is no such file.
            SceneError: It is no image.
        """
        self.path = str(path)
        self._dataset: rasterio.DatasetReader | None = None
        self._all_valid = not alpha
        self._source: rasterio.DatasetReader | None = None
        """What a resampled scene is read from."""
        self._resampling: Resampling | None = None
        self._left_out: Callable[[Window], NDArray[np.bool_]] | None = None
        self.senseless: set[int] = set()
        with reading(self.path), open_dataset(self.path) as dataset:
            self.files: tuple[str, ...] = tuple(dataset.files)
            """What the image is read from: its file, side-car files, and the sources of a virtual raster."""
            self.height: int = dataset.height
            self.width: int = dataset.width
            self.crs: CRS | None = dataset.crs
            self.transform: Affine = dataset.transform
            self.control_points: int = len(dataset.gcps[0]) if dataset.transform.is_identity else 0
            if not dataset.count:
                raise SceneError(_without_bands(self.path, dataset.subdatasets))
            self.orientation = _orientation(dataset.tags())
            self.is_scaled: bool = any(s != 1 for s in dataset.scales) or any(o != 0 for o in dataset.offsets)
            colours = enumerate(dataset.colorinterp, 1)
            self._indexes = [i for i, colour in colours if colour != ColorInterp.alpha or not alpha]
            # a virtual raster can have bands of several types: all are read as one that holds them
            types = {dataset.dtypes[i - 1] for i in self._indexes}
            self._mixed, self.dtype = len(types) > 1, str(np.result_type(*types).name)
            self._nodata = {i: dataset.nodatavals[i - 1] for i in self._indexes}
            self._masked = MaskFlags.per_dataset in dataset.mask_flag_enums[0]
            self.has_alpha: bool = len(self._indexes) < dataset.count
            # a resampled scene gets an alpha band after the others if it has none
            self._alpha = next((i for i in range(1, dataset.count + 1) if i not in self._indexes), dataset.count + 1)
            self.band_names: list[str] = [
                dataset.descriptions[i - 1] or dataset.colorinterp[i - 1].name for i in self._indexes
            ]
            self.described: bool = all(dataset.descriptions[i - 1] for i in self._indexes)

    @property
    def bands(self) -> int:
        """How many bands the scene has."""
        return len(self._indexes)

    @property
    def window(self) -> Window:
        """The whole scene."""
        return Window(0, 0, self.height, self.width)

    def read(self, window: Window) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        """Read a window.

        Args:
            window: Pixels inside the scene.

        Returns:
            The image (bands, height, width) in its own number type, and which pixels are valid (height, width). Pixels
            are not valid if they are masked, fully transparent or not finite, or have the nodata value: in any band, or
            in all bands of bytes, where 0 and 255 are brightnesses as well.

        Raises:
            SceneError: The file cannot be read, for example because it is truncated.
        """
        with reading(self.path):
            if self._dataset is None:
                self._dataset = self._open()
            rectangle = rasterio_window(window)
            image = np.empty((self.bands, window.height, window.width), self.dtype)
            if self._mixed:
                for band, index in zip(image, self._indexes, strict=True):
                    band[:] = self._dataset.read(index, window=rectangle)
            else:
                self._dataset.read(self._indexes, window=rectangle, out=image)
            if self._all_valid:
                valid = np.ones(image.shape[1:], bool)
            elif self.has_alpha or (self._resampling is not None and not self._warped_by_value):
                # read by hand, since GDAL takes an alpha band for a mask only if it is of bytes
                valid = self._dataset.read(self._alpha, window=rectangle) > 0
            else:
                valid = np.ones(image.shape[1:], bool)
            if self._masked and not self._all_valid and self._resampling is None:
                valid &= self._dataset.read_masks(self._indexes[0], window=rectangle) > 0
        if not self._all_valid and (self._resampling is None or self._warped_by_value):
            valid &= ~self._has_nodata(image)
        if self._left_out is not None:
            valid &= ~self._left_out(window)
        return image, self._measured(image, valid, window)

    def _measured(self, image: NDArray[np.generic], valid: NDArray[np.bool_], window: Window) -> NDArray[np.bool_]:
        """The valid pixels that are measurements; the others are remembered, MOST of them."""
        if not np.issubdtype(image.dtype, np.floating):
            return valid
        senseless = valid & ~(np.abs(image) < SENSELESS).all(axis=0)
        if len(self.senseless) < MOST and senseless.any():
            rows, columns = np.nonzero(senseless)
            self.senseless.update(((rows + window.row) * self.width + columns + window.col)[:MOST].tolist())
        return valid & ~senseless

    @property
    def _nodata_in_all(self) -> bool:
        """Whether a pixel has the nodata value only if all of its bands have it."""
        return self.dtype == "uint8" and self.bands > 1

    @property
    def _warped_by_value(self) -> bool:
        """Whether nodata has to be looked for band by band, and so stays a value when the scene is resampled."""
        declared = any(self._nodata[index] is not None for index in self._indexes)
        return declared and not (self._nodata_in_all or self.has_alpha or self._masked)

    def _has_nodata(self, image: NDArray[np.generic]) -> NDArray[np.bool_]:
        """Which pixels have the nodata value that their bands declare, (height, width)."""
        declared = [(band, self._nodata[i]) for band, i in zip(image, self._indexes, strict=True)]
        found = [band == value for band, value in declared if value is not None]
        if not found:
            return np.zeros(image.shape[1:], bool)
        return np.all(found, axis=0) if self._nodata_in_all else np.any(found, axis=0)

    def gsd_m(self) -> float | None:
        """Ground sampling distance at the scene's centre in metres: the geometric mean of a pixel's width and height.

        None without a CRS, or with a local one, whose place on earth is unknown.
        """
        size = self.pixel_m()
        return None if size is None else (size[0] * size[1]) ** 0.5

    def pixel_m(self) -> tuple[float, float] | None:
        """Width and height of the pixel at the scene's centre in metres, on the ellipsoid; None where `gsd_m` is."""
        if self.crs is None:
            return None
        try:
            to_degrees = Transformer.from_crs(self.crs.to_wkt(), "EPSG:4326", always_xy=True)
        except ProjError:
            return None
        row, col = self.height // 2, self.width // 2
        eastings, northings = xy(self.transform, [row, row, row + 1], [col, col + 1, col])
        (x0, x1, x2), (y0, y1, y2) = to_degrees.transform(eastings, northings)
        geod = Geod(ellps="WGS84")
        if not np.isfinite([x0, x1, x2, y0, y1, y2]).all():
            return None
        size = float(geod.inv(x0, y0, x1, y1)[2]), float(geod.inv(x0, y0, x2, y2)[2])
        return size if min(size) > 0 else None  # a transform may be degenerate

    def identity(self) -> dict[str, str | int]:
        """What tells whether this is still the same image: its path, and the size and last change of a local file; of a
        virtual raster also those of its sources."""
        path = Path(self.path)
        if not path.exists():
            return {"path": self.path}
        state = path.stat()
        known: dict[str, str | int] = {
            "path": str(path.resolve()),
            "bytes": state.st_size,
            "changed_ns": state.st_mtime_ns,
        }
        if path.suffix.lower() == ".vrt":
            states = [(file, Path(file).stat()) for file in sorted(self.files) if Path(file).exists()]
            told = "\n".join(f"{file} {state.st_size} {state.st_mtime_ns}" for file, state in states)
            known["sources"] = hashlib.sha256(told.encode()).hexdigest()
        return known

    def select(self, order: Sequence[int]) -> Self:
        """The same scene with only these of its bands, counted from 0, in this order."""
        scene = self._copy()
        scene._indexes = [self._indexes[index] for index in order]
        scene.band_names = [self.band_names[index] for index in order]
        return scene

    def without(self, left_out: Callable[[Window], NDArray[np.bool_]]) -> Self:
        """The same scene with fewer valid pixels: `left_out(window)` says which more are not valid, (height, width)."""
        scene, before = self._copy(), self._left_out
        scene._left_out = left_out if before is None else lambda window: before(window) | left_out(window)
        return scene

    def at(self, gsd_m: float) -> Self:
        """The same scene at another ground sampling distance, resampled as it is read, without seams between windows.

        Args:
            gsd_m: Metres per pixel, in both directions. A larger pixel is the mean of the valid ones in it, a smaller
                one is interpolated (bilinear).

        Raises:
            SceneError: The scene's own distance is unknown.
        """
        own = self.pixel_m()
        if own is None:
            raise SceneError(f"{self.path} has no CRS, so its ground sampling distance is unknown; assign one")
        assert self._left_out is None  # it is of windows of the scene's own grid
        scene = self._copy()
        scene.senseless = set()
        scene._resampling = Resampling.average if gsd_m > min(own) else Resampling.bilinear
        scene.width, scene.height = (
            max(round(size * m / gsd_m), 1) for size, m in zip((self.width, self.height), own, strict=True)
        )
        right, down = self.width / scene.width, self.height / scene.height
        t = self.transform
        scene.transform = Affine(t.a * right, t.b * down, t.c, t.d * right, t.e * down, t.f)
        return scene

    def close(self) -> None:
        """Close the file; the next read opens it again."""
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
            return open_dataset(self.path)
        self._source = source = open_dataset(self.path)
        settings: dict[str, Any] = {
            "crs": source.crs,
            "transform": self.transform,
            "height": self.height,
            "width": self.width,
            "resampling": self._resampling,
        }
        if self._warped_by_value:
            nodata = next(value for value in self._nodata.values() if value is not None)
            return WarpedVRT(source, nodata=nodata, UNIFIED_SRC_NODATA="NO", **settings)
        # an alpha band holds what nodata values and masks say; an image that has one keeps it
        return WarpedVRT(source, add_alpha=not self.has_alpha, **settings)


def _without_bands(path: str, images: Sequence[str]) -> str:
    """What is said of a file that is no image itself, such as a container of several."""
    if not images:
        return f"{path} has no bands; give the path of an image"
    more = f" and {len(images) - LISTED} more" if len(images) > LISTED else ""
    return f"{path} holds several images; give one of them by its name: {', '.join(images[:LISTED])}{more}"


def _orientation(tags: dict[str, str]) -> int:
    text = tags.get("EXIF_Orientation", "1").strip()
    return int(text) if text in "12345678" and text else 1


def rasterio_window(window: Window) -> RasterioWindow:
    """A window as rasterio takes it."""
    return RasterioWindow(window.col, window.row, window.width, window.height)  # type: ignore[call-arg]


def open_dataset(path: str | Path) -> rasterio.DatasetReader:
    """Open an image for reading, without a warning if it has no place on earth."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(path)


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Turn GDAL's errors about an image into one line.

    Raises:
        SceneNotFoundError: `path` is local and there is no such file.
        SceneError: It is a folder, or what is done inside the context fails.
    """
    if not NOT_LOCAL.match(path):
        if not Path(path).exists():
            raise SceneNotFoundError(f"no image at {path}; give the path of an image that GDAL can read")
        if Path(path).is_dir():
            raise SceneError(f"{path} is a folder; give the path of an image in it")
        if not Path(path).is_file():
            raise SceneError(f"{path} is a pipe or a device; save the image as a file and give that")
    try:
        yield
    except RasterioError as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise SceneError(
            f"{path} cannot be read as an image ({reason}); it may be truncated or no image: "
            "check it with gdalinfo, or get it again"
        ) from error
