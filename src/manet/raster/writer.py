"""Writing GeoTIFFs: window by window, under a temporary name that becomes the final one when the file is complete."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import rasterio.errors
import rasterio.io
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError  # GDAL errors for which rasterio has no class of its own
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.transform import Affine

from manet.errors import OutputError, SceneError
from manet.files import refuse_existing, replacing
from manet.legend import IGNORED, Legend
from manet.raster.scene import open_dataset, rasterio_window
from manet.raster.styles import OTHERS, Entry, class_style, entries_of, style_path, write_style
from manet.raster.windows import Window, tiles

BLOCK = 512
"""Height and width of a GeoTIFF's internal blocks."""


FULL = 254
"""The byte that stands for a share of 1; the byte IGNORED stands for a pixel that is not valid."""


class Writer:
    """An open GeoTIFF that is written window by window."""

    def __init__(self, dataset: rasterio.io.DatasetWriter) -> None:
        self._dataset = dataset
        self._written: list[Window] = []
        self._has_mask = False

    def write(self, values: NDArray[np.generic], window: Window, valid: NDArray[np.bool_] | None = None) -> None:
        """Write a window.

        Args:
            values: (bands, height, width), or (height, width) for a raster of one band.
            window: Pixels to write.
            valid: (height, width); None if all pixels are valid. The file gets a mask with the first pixel that is not
                valid, and has none without such a pixel.
        """
        self._dataset.write(values[None] if values.ndim == 2 else values, window=rasterio_window(window))
        if self._has_mask or (valid is not None and not valid.all()):
            self._write_valid(np.ones(values.shape[-2:], bool) if valid is None else valid, window)
        self._written.append(window)

    def tag(self, tags: Mapping[str, str]) -> None:
        """Set tags of the file; no others are touched."""
        self._dataset.update_tags(**tags)

    def _write_valid(self, valid: NDArray[np.bool_], window: Window) -> None:
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
            if not self._has_mask:  # in a new mask no pixel is valid
                self._has_mask = True
                for earlier in self._written:
                    self._write_valid(np.ones((earlier.height, earlier.width), bool), earlier)
            self._dataset.write_mask(valid.astype(np.uint8) * 255, window=rasterio_window(window))


@contextmanager
def write_image(
    path: Path,
    *,
    height: int,
    width: int,
    band_names: list[str],
    dtype: str,
    crs: CRS | None,
    transform: Affine,
    overwrite: bool = False,
) -> Iterator[Writer]:
    """Write imagery as a tiled, losslessly compressed GeoTIFF.

    Args:
        path: File to write.
        height: Rows.
        width: Columns.
        band_names: One name per band.
        dtype: Number type of the values, such as "uint8".
        crs: None if the image has none.
        transform: From columns and rows to map coordinates.
        overwrite: Whether a file that exists is replaced.

    Raises:
        OutputError: The file exists and is not to be overwritten, or it cannot be written.
    """
    predictor = 3 if np.issubdtype(np.dtype(dtype), np.floating) else 2
    # always given, since GDAL takes four uint8 bands for colours and alpha
    photometric = "RGB" if [n.lower() for n in band_names[:3]] == ["red", "green", "blue"] else "MINISBLACK"
    with (
        replacing(path, overwrite) as partial,
        _create(
            partial,
            height=height,
            width=width,
            count=len(band_names),
            dtype=dtype,
            crs=crs,
            transform=transform,
            predictor=predictor,
            photometric=photometric,
        ) as dataset,
    ):
        dataset.descriptions = band_names
        yield Writer(dataset)


@contextmanager
def write_classes(
    path: Path,
    *,
    height: int,
    width: int,
    legend: Legend,
    crs: CRS | None,
    transform: Affine,
    overwrite: bool = False,
) -> Iterator[Writer]:
    """Write a tiled, compressed class raster: uint8 indices, IGNORED as nodata, a colour table and category names.

    The category names are in the side-car file .aux.xml, where GDAL keeps them for GeoTIFF. A style for QGIS with the
    legend's classes lies beside the raster, .qml.

    Args:
        path: File to write.
        height: Rows.
        width: Columns.
        legend: Classes, in the order of their indices.
        crs: None if the map has none.
        transform: From columns and rows to map coordinates.
        overwrite: Whether a file that exists is replaced.

    Raises:
        OutputError: The file exists and is not to be overwritten, or it cannot be written.
    """
    refuse_existing(style_path(path), overwrite)
    with replacing(path, overwrite) as partial:
        with _create(
            partial,
            height=height,
            width=width,
            count=1,
            dtype="uint8",
            crs=crs,
            transform=transform,
            nodata=IGNORED,
            photometric="palette",
        ) as dataset:
            transparent = {IGNORED: (0, 0, 0, 0)}
            dataset.write_colormap(1, {i: (*c, 255) for i, c in enumerate(legend.colours)} | transparent)
            yield Writer(dataset)
        _write_category_names(path, legend)
        write_style(path, class_style(entries_of(legend)), overwrite)


@contextmanager
def write_shares(
    path: Path,
    *,
    height: int,
    width: int,
    band_names: list[str],
    style: str | None = None,
    crs: CRS | None,
    transform: Affine,
    overwrite: bool = False,
) -> Iterator[Writer]:
    """Write a tiled, compressed raster of shares as bytes.

    The byte FULL stands for 1, as the scale of the bands says, and IGNORED is nodata.

    Args:
        path: File to write.
        height: Rows.
        width: Columns.
        band_names: One name per band.
        style: QML for QGIS, written beside the raster; None: no style.
        crs: None if the raster has none.
        transform: From columns and rows to map coordinates.
        overwrite: Whether files that exist are replaced.

    Raises:
        OutputError: A file exists and is not to be overwritten, or it cannot be written.
    """
    if style is not None:
        refuse_existing(style_path(path), overwrite)
    with (
        replacing(path, overwrite) as partial,
        _create(
            partial,
            height=height,
            width=width,
            count=len(band_names),
            dtype="uint8",
            crs=crs,
            transform=transform,
            nodata=IGNORED,
            photometric="MINISBLACK",
        ) as dataset,
    ):
        dataset.descriptions = band_names
        dataset.scales = [1 / FULL] * len(band_names)
        yield Writer(dataset)
    if style is not None:
        write_style(path, style, overwrite)


@contextmanager
def _create(path: Path, **profile: Any) -> Iterator[rasterio.io.DatasetWriter]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            dataset = rasterio.open(
                path,
                "w",
                driver="GTiff",
                tiled=True,
                blockxsize=BLOCK,
                blockysize=BLOCK,
                compress="deflate",
                zlevel=6,
                bigtiff="if_safer",
                **profile,
            )
    except rasterio.errors.RasterioIOError as error:
        raise OutputError(f"{path.parent} cannot be written to ({error}); check the folder and the disk") from error
    with gdal_writes(path), dataset:
        yield dataset
    read_back(path)


@contextmanager
def gdal_writes(path: Path) -> Iterator[None]:
    """A context in which GDAL writes to a file. Raises OutputError for GDAL errors that rasterio has no class for."""
    try:
        yield
    except CPLE_BaseError as error:
        raise OutputError(f"{path.parent} cannot be written to ({error}); check the folder and the disk") from error


def check_raster_file(path: Path) -> None:
    """Raises OutputError if a GeoTIFF cannot have this name."""
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise OutputError(
            f"{path} is not a name for a GeoTIFF, which is what is written; expected one that ends in .tif"
        )


def refuse_foreign_raster(path: Path) -> None:
    """Raises OutputError where a file is there that is no map or raster of shares as they are written here.

    So a mistyped name never replaces imagery, even where outputs may be replaced.
    """
    if not path.exists():
        return
    try:
        with open_dataset(str(path)) as dataset:
            written_here = set(dataset.dtypes) == {"uint8"} and dataset.nodata == IGNORED
            shares = all(scale == 1 / FULL for scale in dataset.scales)
            written_here &= shares or (dataset.count == 1 and dataset.colorinterp[0] == ColorInterp.palette)
    except RasterioError:
        written_here = False
    if not written_here:
        raise OutputError(f"{path} is no map of manet, so it is not replaced; give another name, or remove it")


def read_back(path: Path) -> None:
    """Read every block of a GeoTIFF that was just closed: GDAL does not report a full disk when it closes a file.

    Raises:
        OutputError: A block cannot be read.
    """
    try:
        with open_dataset(path) as dataset:
            for block in tiles(dataset.height, dataset.width, BLOCK):
                rectangle = rasterio_window(block)
                dataset.read(1, window=rectangle)
                dataset.dataset_mask(window=rectangle)
    except rasterio.errors.RasterioError as error:
        raise OutputError(f"{path.parent} took only a part of a file; check whether the disk is full") from error


def _write_category_names(path: Path, legend: Legend) -> None:
    root = ElementTree.Element("PAMDataset")
    names = ElementTree.SubElement(ElementTree.SubElement(root, "PAMRasterBand", band="1"), "CategoryNames")
    for name in legend.names:
        ElementTree.SubElement(names, "Category").text = name
    ElementTree.indent(root)
    with replacing(path.with_name(f"{path.name}.aux.xml"), overwrite=True) as sidecar:
        ElementTree.ElementTree(root).write(sidecar, encoding="utf-8")


def read_category_names(path: Path) -> dict[int, str]:
    """The names of a class raster's indices, from its side-car file; empty if there is none.

    Raises SceneError if that file is damaged.
    """
    sidecar = path.with_name(f"{path.name}.aux.xml")
    if not sidecar.exists():
        return {}
    try:
        return {index: found.text or "" for index, found in enumerate(ElementTree.parse(sidecar).iter("Category"))}
    except (ElementTree.ParseError, OSError, UnicodeError, ValueError) as error:
        raise SceneError(f"{sidecar} is damaged ({error}); remove it, or predict the map again") from error


def read_entries(path: Path) -> list[Entry]:
    """The classes of a class raster, from its side-car file and its colour table.

    Args:
        path: Class raster; without a colour table, classes get colours of their own.

    Returns:
        One entry per class that has a name, in the order of their indices.
    """
    with open_dataset(path) as dataset:
        try:
            colours = dataset.colormap(1)
        except ValueError:  # it has none
            colours = {}
    return [
        Entry(index, name, colours[index][:3] if index in colours else OTHERS[index % len(OTHERS)])
        for index, name in read_category_names(path).items()
    ]
