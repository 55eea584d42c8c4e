"""What becomes of the polygons of a file: counted by reason, and moved to another CRS with bent edges."""

from pathlib import Path

import numpy as np
import pytest
import shapely
from pyproj import Transformer
from rasterio.crs import CRS
from rasterio.transform import Affine

from manet.datasets.label_classes import PolygonLabels
from manet.datasets.polygon_use import polygon_use
from manet.legend import IGNORED
from manet.raster.array_scene import ArrayScene
from manet.raster.scene import Scene
from manet.raster.vectors import ClassPolygons, PolygonFile

UTM = CRS.from_epsg(32633)


def scene(left: float, name: str) -> Scene:
    """100 x 60 pixels of half a metre."""
    place = Affine(0.5, 0, left, 0, -0.5, 30)
    return ArrayScene(np.zeros((1, 60, 100), np.uint8), crs=UTM, transform=place, name=name)


def test_polygons_are_counted_by_what_becomes_of_them() -> None:
    shapes = {
        "inside": (shapely.box(5, 5, 15, 12), 1),
        "on both images": (shapely.box(45, 5, 55, 12), 2),
        "cut at the left": (shapely.box(-5, 5, 5, 12), 1),
        "a speck": (shapely.box(20, 20, 20.2, 20.2), 1),
        "ignored": (shapely.box(30, 5, 35, 12), IGNORED),
        "far away": (shapely.box(500, 5, 510, 12), 1),
        "touching the edge": (shapely.box(100, 5, 110, 12), 1),
    }
    polygons, classes = zip(*shapes.values(), strict=True)
    placed = ClassPolygons(polygons, classes)
    labels = PolygonLabels({"a": scene(0, "a"), "b": scene(50, "b")}, {"a": placed, "b": placed}, background=0)
    use = polygon_use(labels, classes, ["background", "building", "water"])
    assert use.classes == {"building": 3, "water": 1, "ignored": 1}
    assert (use.outside, use.cut, use.small) == (2, 1, 1)
    assert use.lines(7) == [
        "polygons: 3 building, 1 water, 1 ignored",
        "of 7 polygons in the file: 2 on no image, 1 cut by an edge, 1 smaller than a pixel",
    ]


def test_long_edges_are_bent_in_another_crs() -> None:
    """The northern edge of a field along a parallel lies further north in its middle than a straight line in UTM."""
    field = shapely.box(14.0, 59.9, 16.0, 60.0)
    file = PolygonFile("field", "EPSG:4326", [field], [None], [0], 0, 0)
    (moved,) = file.in_crs(UTM.to_wkt())
    x, y = Transformer.from_crs("EPSG:4326", UTM.to_wkt(), always_xy=True).transform(
        np.linspace(14, 16, 101), np.full(101, 60.0)
    )
    edge = shapely.linestrings(np.stack([x, y], axis=1))
    assert shapely.hausdorff_distance(edge, shapely.intersection(moved.boundary, edge.buffer(1))) < 1
    assert max(moved.boundary.distance(shapely.points(x, y))) < 0.05
    (same,) = file.in_crs("EPSG:4326")
    assert shapely.get_num_coordinates(same) == 5


@pytest.mark.parametrize("crs", ["EPSG:32633", "EPSG:4326"])
def test_small_polygons_keep_their_points(crs: str, tmp_path: Path) -> None:
    house = shapely.box(500_000, 6_650_000, 500_020, 6_650_010)
    file = PolygonFile("house", "EPSG:32633", [house], [None], [0], 0, 0)
    assert shapely.get_num_coordinates(file.in_crs(crs)[0]) == 5
