"""Writing GeoTIFFs: window by window, under a temporary name, renamed when whole."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import rasterio.errors
import rasterio.io
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError  # what GDAL's own errors are where rasterio has no name for them
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine
from rasterio.windows import Window as RasterioWindow

from manet.errors import OutputError
from manet.files import replacing
from manet.legend import IGNORED, Legend
from manet.raster.windows import Window, tiles

BLOCK = 512
"""Height and width of a GeoTIFF's internal blocks."""

FULL = 254
"""The byte of a share of 1; IGNORED is left for what is not valid."""


class Writer:
    """An open GeoTIFF that takes windows."""

    def __init__(self, dataset: rasterio.io.DatasetWriter) -> None:
        self._dataset = dataset
        self._written: list[Window] = []
        self._has_mask = False

    def write(self, values: NDArray[np.generic], window: Window, valid: NDArray[np.bool_] | None = None) -> None:
        """values: (bands, height, width), or (height, width) for a raster of one band.

        valid: (height, width); the file gets a mask of its own at the first pixel that is not valid, else it has none.
        """
        rectangle = RasterioWindow(window.col, window.row, window.width, window.height)  # type: ignore[call-arg]
        self._dataset.write(values[None] if values.ndim == 2 else values, window=rectangle)
        if self._has_mask or (valid is not None and not valid.all()):
            self._write_valid(np.ones(values.shape[-2:], bool) if valid is None else valid, window)
        self._written.append(window)

    def _write_valid(self, valid: NDArray[np.bool_], window: Window) -> None:
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
            if not self._has_mask:  # a new mask says invalid everywhere
                self._has_mask = True
                for earlier in self._written:
                    self._write_valid(np.ones((earlier.height, earlier.width), bool), earlier)
            rectangle = RasterioWindow(window.col, window.row, window.width, window.height)  # type: ignore[call-arg]
            self._dataset.write_mask(valid.astype(np.uint8) * 255, window=rectangle)


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
    """A tiled, losslessly compressed GeoTIFF of imagery."""
    predictor = 3 if np.issubdtype(np.dtype(dtype), np.floating) else 2
    # said in any case: GDAL takes four uint8 bands for colours and alpha
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
    """A tiled, compressed class raster: uint8 indices, IGNORED as nodata, with colour table and category names.

    Category names stand in the side-car .aux.xml, the place where GDAL keeps them for GeoTIFF.
    """
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


@contextmanager
def write_shares(
    path: Path, *, height: int, width: int, band_names: list[str], crs: CRS | None, transform: Affine
) -> Iterator[Writer]:
    """A tiled, compressed raster of shares as bytes, FULL being 1 (the bands' scale says so) and IGNORED nodata, over
    what is there."""
    with (
        replacing(path, overwrite=True) as partial,
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
    try:
        with dataset:
            yield dataset
    except CPLE_BaseError as error:
        raise OutputError(f"{path.parent} cannot be written to ({error}); check the folder and the disk") from error
    read_back(path)


def read_back(path: Path) -> None:
    """Read every block of a GeoTIFF that was just closed: closing does not tell that the disk was full.

    Raises OutputError where one cannot be read.
    """
    try:
        with warnings.catch_warnings(), rasterio.open(path) as dataset:
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            for block in tiles(dataset.height, dataset.width, BLOCK):
                rectangle = RasterioWindow(block.col, block.row, block.width, block.height)  # type: ignore[call-arg]
                dataset.read(1, window=rectangle)
                dataset.dataset_mask(window=rectangle)
    except rasterio.errors.RasterioError as error:
        raise OutputError(f"{path.parent} took a file in part only; check whether the disk is full") from error


def _write_category_names(path: Path, legend: Legend) -> None:
    root = ElementTree.Element("PAMDataset")
    names = ElementTree.SubElement(ElementTree.SubElement(root, "PAMRasterBand", band="1"), "CategoryNames")
    for name in legend.names:
        ElementTree.SubElement(names, "Category").text = name
    ElementTree.indent(root)
    with replacing(path.with_name(f"{path.name}.aux.xml"), overwrite=True) as sidecar:
        ElementTree.ElementTree(root).write(sidecar, encoding="utf-8")


def read_category_names(path: Path) -> dict[int, str]:
    """The names of a class raster's indices as its side-car says; empty where there is none."""
    sidecar = path.with_name(f"{path.name}.aux.xml")
    if not sidecar.exists():
        return {}
    return {index: found.text or "" for index, found in enumerate(ElementTree.parse(sidecar).iter("Category"))}
