"""Polygons: read from any file that GDAL's vector drivers know, burnt into rasters."""

import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyogrio
import rasterio.features
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.transform import Affine, xy

from manet.errors import DatasetError
from manet.raster.windows import Window


def read_polygons(path: str | Path, crs: str) -> list[shapely.Geometry]:
    """The polygons of a file's first layer, in the given CRS (WKT or authority code).

    Raises DatasetError where the file is missing or unreadable, or says no CRS.
    """
    try:
        meta, _, wkb, _ = pyogrio.raw.read(path, columns=[])
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise DatasetError(f"{path} cannot be read as polygons ({error}); give GeoJSON, GeoPackage or Shapefile") from error
    if not meta["crs"]:
        raise DatasetError(f"{path} has no CRS, so its polygons cannot be placed; assign one (ogr2ogr -a_srs EPSG:...)")
    to_crs = Transformer.from_crs(CRS.from_user_input(meta["crs"]), CRS.from_user_input(crs), always_xy=True)
    polygons = shapely.from_wkb(wkb)
    return list(shapely.transform(polygons, to_crs.transform, interleaved=False))


def burn(
    shapes: Iterable[tuple[shapely.Geometry, int]], window: Window, transform: Affine, background: int
) -> NDArray[np.uint8]:
    """Class indices of a window of a raster: those of the polygons whose inside holds the pixel's centre, later over
    earlier ones, and the background's elsewhere."""
    x, y = xy(transform, window.row, window.col, offset="ul")
    origin = Affine(transform.a, transform.b, float(x), transform.d, transform.e, float(y))
    shapes = list(shapes)
    if not shapes:
        return np.full((window.height, window.width), background, np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.ShapeSkipWarning)
        return rasterio.features.rasterize(
            shapes, out_shape=(window.height, window.width), transform=origin, fill=background, dtype=np.uint8
        )
