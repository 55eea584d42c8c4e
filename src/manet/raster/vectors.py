"""Polygons: read from any file that GDAL's vector drivers know, repaired, moved to another CRS, burnt into rasters."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio.errors
import pyogrio.raw
import rasterio.errors
import rasterio.features
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from rasterio.transform import Affine, xy

from manet.errors import DatasetError, DatasetNotFoundError
from manet.files import choices
from manet.raster.windows import Window

POLYGON, MULTIPOLYGON, COLLECTION = 3, 6, 7
"""Shapely's numbers for these types of geometry."""

SEGMENT_DEGREES, SEGMENT_M = 0.01, 1000
"""Longest edges that are moved to another CRS as straight ones; they are off by a few centimetres at most."""

STYLES = "layer_styles"
"""The table in which QGIS keeps styles, which is no layer of its own."""


GEOPACKAGE = {"VERSION": "1.2"}
"""How GeoPackages are made: later versions, which GDAL would write, are warned of by GDAL 3.6 and QGIS with it."""


@dataclass(frozen=True)
class PolygonFile:
    """The polygons of a file in the file's order; those that crossed themselves are made valid."""

    path: str
    crs: str
    polygons: list[shapely.Geometry]
    values: list[str | None]
    """Each polygon's value of one attribute, as text; None if it has none."""
    features: list[int]
    """Each polygon's number in the file, from 0."""
    repaired: int
    """How many polygons crossed themselves."""
    left_out: int
    """How many features are not polygons, or have no surface."""

    def in_crs(self, crs: str) -> list[shapely.Geometry]:
        """The polygons in another CRS.

        Args:
            crs: WKT or a code such as "EPSG:32645".

        Raises:
            DatasetError: A polygon does not exist in that CRS.
        """
        own, other = CRS.from_user_input(self.crs), CRS.from_user_input(crs)
        to_crs = Transformer.from_crs(own, other, always_xy=True)

        def move(xy: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.stack(to_crs.transform(xy[:, 0], xy[:, 1]), axis=1)

        polygons = np.array(self.polygons, object)
        if own != other:  # a straight edge is bent there
            polygons = shapely.segmentize(polygons, SEGMENT_DEGREES if own.is_geographic else SEGMENT_M)
        moved = shapely.transform(polygons, move)
        if len(wrong := np.flatnonzero(~np.isfinite(shapely.bounds(moved)).all(axis=1))):
            raise DatasetError(
                f"{self.path}: feature {self.features[wrong[0]]} and {len(wrong) - 1} more do not exist in the images' "
                "CRS; their coordinates are not in the CRS that the file names: correct it (ogr2ogr -a_srs EPSG:...)"
            )
        return list(moved)


def read_polygon_file(path: str | Path, attribute: str | None = None) -> PolygonFile:
    """Read the polygons of a file.

    Args:
        path: A file that one of GDAL's vector drivers can read, with one layer and a CRS.
        attribute: The attribute whose values are read; None for no attribute.

    Raises:
        DatasetNotFoundError: There is no such file.
        DatasetError: The file cannot be read, or has several layers, no CRS, no polygon, or no such attribute.
    """
    if not str(path).startswith("/vsi") and not Path(path).exists():
        raise DatasetNotFoundError(f"no file {path}; give a file of polygons")
    try:
        layers = [str(name) for name in pyogrio.list_layers(path)[:, 0] if name != STYLES]
        if len(layers) > 1:
            raise DatasetError(
                f"{path} has {len(layers)} layers ({', '.join(layers)}); "
                "give a file with one (ogr2ogr OUT.gpkg IN.gpkg LAYER)"
            )
        layer = layers[0] if layers else None
        fields = [str(name) for name in pyogrio.read_info(path, layer=layer)["fields"]] if layers else []
        if attribute is not None and attribute not in fields:
            raise DatasetError(
                f"{path} has no attribute '{attribute}'; expected one of {choices(attribute, fields)}",
                option="attribute",
            )
        meta, _, wkb, columns = pyogrio.raw.read(path, layer=layer, columns=[] if attribute is None else [attribute])
        geometries = shapely.from_wkb(wkb)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, shapely.errors.GEOSException) as error:
        reason = str(error).splitlines()[0]
        raise DatasetError(
            f"{path} cannot be read as polygons ({reason}); give GeoJSON, GeoPackage or Shapefile"
        ) from error
    if not is_on_earth(meta["crs"]):
        raise DatasetError(
            f"{path} has no CRS, so it is unknown where its polygons lie; assign one (ogr2ogr -a_srs EPSG:...)"
        )
    texts = [None] * len(geometries) if attribute is None else [_text(value) for value in columns[0]]
    collections = shapely.get_type_id(geometries) == COLLECTION
    geometries[collections] = [_polygonal(collection) for collection in geometries[collections]]
    polygonal = np.isin(shapely.get_type_id(geometries), (POLYGON, MULTIPOLYGON)) & ~shapely.is_empty(geometries)
    kept = np.flatnonzero(polygonal)
    if not len(kept):
        raise DatasetError(f"{path} has {len(geometries)} features and no polygon among them; give a file of polygons")
    polygons = geometries[kept]
    crossed = ~shapely.is_valid(polygons)
    polygons[crossed] = [_polygonal(shapely.make_valid(polygon)) for polygon in polygons[crossed]]
    flat = shapely.is_empty(polygons)  # without a surface, nothing is left of them
    polygons, kept, crossed = polygons[~flat], kept[~flat], crossed[~flat]
    return PolygonFile(
        path=str(path),
        crs=meta["crs"],
        polygons=list(polygons),
        values=[texts[index] for index in kept],
        features=kept.tolist(),
        repaired=int(crossed.sum()),
        left_out=len(geometries) - len(kept),
    )


def read_polygons(path: str | Path, crs: str) -> list[shapely.Geometry]:
    """The polygons of a file in another CRS; for both see `read_polygon_file` and `PolygonFile.in_crs`."""
    return read_polygon_file(path).in_crs(crs)


class ClassPolygons:
    """Polygons with one class each, indexed by position, so that a window costs only what lies in it."""

    def __init__(self, polygons: Sequence[shapely.Geometry], classes: Sequence[int]) -> None:
        """Take polygons in map coordinates, and the class index of each."""
        self.polygons, self.classes = polygons, classes
        self._tree = shapely.STRtree(list(polygons))

    def touching(self, window: Window, transform: Affine) -> list[int]:
        """The numbers of the polygons whose bounds touch a window's, in ascending order."""
        bounds = shapely.box(*bounds_of(window, transform))
        return sorted(self._tree.query(bounds).tolist())

    def burn(self, window: Window, transform: Affine, background: int) -> NDArray[np.uint8]:
        """As the function `burn`, with only the polygons near the window."""
        near = self.touching(window, transform)
        return burn([(self.polygons[i], self.classes[i]) for i in near], window, transform, background)

    def overlaps(self, least_area: float) -> tuple[int, int]:
        """How many pairs of polygons share at least this area, and how many of them have different classes."""
        first, second = self._tree.query(list(self.polygons), predicate="intersects")
        first, second = first[first < second], second[first < second]
        polygons, classes = np.array(self.polygons, object), np.array(self.classes)
        try:
            shared = shapely.area(shapely.intersection(polygons[first], polygons[second])) >= least_area
        except shapely.errors.GEOSException:  # in another CRS a polygon may cross itself
            polygons = shapely.make_valid(polygons)
            shared = shapely.area(shapely.intersection(polygons[first], polygons[second])) >= least_area
        return int(shared.sum()), int((shared & (classes[first] != classes[second])).sum())


def corners_of(window: Window, transform: Affine) -> NDArray[np.float64]:
    """The corners of a window in map coordinates, (4, 2): upper left, upper right, lower right, lower left."""
    rows, columns = [window.row, window.row, window.bottom, window.bottom], [window.col, window.right] * 2
    columns[2:] = columns[2:][::-1]
    return np.stack(xy(transform, rows, columns, offset="ul"), axis=1).astype(np.float64)


def bounds_of(window: Window, transform: Affine) -> tuple[float, float, float, float]:
    """The smallest x and y, then the largest, of a window's corners in map coordinates."""
    rows, columns = [window.row, window.row, window.bottom, window.bottom], [window.col, window.right] * 2
    x, y = xy(transform, rows, columns, offset="ul")
    return float(min(x)), float(min(y)), float(max(x)), float(max(y))


def burn(
    shapes: Iterable[tuple[shapely.Geometry, int]], window: Window, transform: Affine, background: int
) -> NDArray[np.uint8]:
    """Burn polygons into a window of a raster.

    Args:
        shapes: Polygons in map coordinates with their class indices. Later ones lie over earlier ones.
        window: Pixels of the raster.
        transform: The raster's, from columns and rows to map coordinates.
        background: The class of pixels in no polygon.

    Returns:
        (height, width): the class of the polygon that contains the pixel's centre.
    """
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


def is_on_earth(crs: str | None) -> bool:
    """Whether a CRS refers to the earth; GeoPackage writes an engineering CRS for 'undefined'."""
    if not crs:
        return False
    try:
        known = CRS.from_user_input(crs)
    except CRSError:
        return False
    return known.is_geographic or known.is_projected or known.is_compound or known.is_derived


def _polygonal(geometry: shapely.Geometry) -> shapely.Geometry:
    """The polygons of a geometry, without its points and lines; empty if it has none."""
    found = [single for single in shapely.get_parts(geometry) if shapely.get_type_id(single) in (POLYGON, MULTIPOLYGON)]
    if not found:
        return shapely.MultiPolygon()
    return shapely.multipolygons(shapely.get_parts(np.array(found, object)).tolist())


def _text(value: object) -> str | None:
    """An attribute's value as a legend file writes it: 1 and 1.0 are '1', a missing value is None."""
    if value is None or value != value:
        return None
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
