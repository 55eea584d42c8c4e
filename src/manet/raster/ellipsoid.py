"""The size of pixels and polygons on the ellipsoid, however the projection distorts areas."""

import numpy as np
import rasterio.crs
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Proj, Transformer
from pyproj.exceptions import ProjError
from rasterio.transform import Affine

from manet.raster.windows import Window

Floats = NDArray[np.float64]


EDGES = 256
"""How many edges at least the longer side of all polygons together is made of."""


class Ground:
    """Where the pixels of a raster lie on the ellipsoid of its CRS."""

    def __init__(self, crs: CRS, transform: Affine) -> None:
        """Take the raster's place.

        Args:
            crs: A CRS that is based on a geodetic one; see `ground_of`.
            transform: From columns and rows to map coordinates.
        """
        geodetic = crs.geodetic_crs
        assert geodetic is not None and geodetic.ellipsoid is not None
        self.crs, self.transform = crs, transform
        self._unit = geodetic.axis_info[0].unit_conversion_factor  # radians
        self._to_geodetic = Transformer.from_crs(crs, geodetic, always_xy=True)
        self._axis = geodetic.ellipsoid.semi_major_metre
        flattening = 1 / geodetic.ellipsoid.inverse_flattening if geodetic.ellipsoid.inverse_flattening else 0.0
        self._squared_eccentricity = flattening * (2 - flattening)

    def pixel_areas_m2(self, window: Window) -> Floats:
        """The area of a pixel in each row of a window, measured at the window's middle column.

        With the meridian's radius M and the prime vertical's radius N, it is M N cos(latitude) times the pixel's area
        in longitude and latitude.

        Returns:
            (height,), square metres.
        """
        rows, col = np.arange(window.row, window.bottom, dtype=np.float64) + 0.5, window.col + window.width / 2
        right, down = self._step(rows, col, 0, 1), self._step(rows, col, 1, 0)
        sine = np.sin(self._geodetic(rows, col)[1])
        w = 1 - self._squared_eccentricity * sine**2
        radii = self._axis**2 * (1 - self._squared_eccentricity) / w**2  # M N
        return radii * np.sqrt(1 - sine**2) * np.abs(right[0] * down[1] - right[1] * down[0])

    def metres_per_pixel(self, row: float, col: float) -> Floats:
        """Metres east and north of one column and of one row around a place, (2, 2)."""
        rows = np.array([row])
        steps = np.stack([self._step(rows, col, 0, 1)[:, 0], self._step(rows, col, 1, 0)[:, 0]])
        sine = np.sin(self._geodetic(rows, col)[1, 0])
        w = 1 - self._squared_eccentricity * sine**2
        north = self._axis * (1 - self._squared_eccentricity) / w**1.5
        east = self._axis / np.sqrt(w) * np.sqrt(1 - sine**2)
        return steps * (east, north)

    def polygon_areas_m2(self, polygons: NDArray[np.object_]) -> Floats:
        """The areas of polygons, measured in an equal-area projection around their common middle.

        Long edges get more corners before they are moved, since what is straight on the map is not in that projection.

        Args:
            polygons: Shapely polygons in map coordinates.

        Returns:
            (polygons,), square metres.
        """
        if not len(polygons):
            return np.zeros(0)
        left, bottom, right, top = shapely.total_bounds(polygons)
        middle = np.array(self._to_geodetic.transform((left + right) / 2, (bottom + top) / 2)) * self._unit
        longitude, latitude = np.degrees(middle)
        equal_area = Proj(proj="laea", lon_0=longitude, lat_0=latitude, a=self._axis, es=self._squared_eccentricity)

        def move(xy: Floats) -> Floats:
            turns = np.stack(self._to_geodetic.transform(xy[:, 0], xy[:, 1])) * self._unit
            return np.stack(equal_area(*turns, radians=True), axis=1)

        dense = shapely.segmentize(polygons, max(right - left, top - bottom) / EDGES)
        return shapely.area(shapely.transform(dense, move))

    def _step(self, rows: Floats, col: float, down: float, right: float) -> Floats:
        """How far longitude and latitude (2, rows) change from one side of a pixel to the other, radians."""
        step = self._geodetic(rows + down / 2, col + right / 2) - self._geodetic(rows - down / 2, col - right / 2)
        return np.where(np.abs(step) > np.pi, step - np.sign(step) * 2 * np.pi, step)

    def _geodetic(self, rows: Floats, col: float) -> Floats:
        """Longitude and latitude (2, rows) of places in a column, radians."""
        t = self.transform
        x, y = t.a * col + t.b * rows + t.c, t.d * col + t.e * rows + t.f
        return np.stack(self._to_geodetic.transform(x, y)) * self._unit


def ground_of(crs: rasterio.crs.CRS | None, transform: Affine) -> Ground | None:
    """The ground of a raster, or None if its place on earth is unknown: without a CRS, or with a local one."""
    known = CRS.from_wkt(crs.to_wkt()) if crs is not None else None
    if known is None or known.geodetic_crs is None:
        return None
    try:
        return Ground(known, transform)
    except ProjError:  # a local one that is derived from nothing on earth
        return None
