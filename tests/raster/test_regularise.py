"""Right-angled outlines: what is round or shared stays, nothing overlaps or moves far."""

from pathlib import Path

import numpy as np
import pytest
import shapely
import shapely.affinity

from manet.errors import OptionError
from manet.raster.polygons import PolygonSettings, check_classes
from manet.raster.regularise import regularise


def noisy(shape: shapely.Geometry, seed: int = 0, noise: float = 0.12) -> shapely.Polygon:
    """An outline with corners every half metre that are off by some noise."""
    corners = shapely.get_coordinates(shapely.segmentize(shape, 0.5))[:-1]
    return shapely.Polygon(corners + np.random.default_rng(seed).uniform(-noise, noise, corners.shape))


L_SHAPE = shapely.Polygon([(0, 0), (20, 0), (20, 8), (9, 8), (9, 14), (0, 14)])


def angles(shape: shapely.Polygon) -> np.ndarray:
    """The directions of the edges from one another, degrees from the nearest multiple of 45."""
    steps = np.diff(shapely.get_coordinates(shape), axis=0)
    turned = np.degrees(np.arctan2(steps[:, 1], steps[:, 0]))
    return np.abs((turned - turned[0] + 22.5) % 45 - 22.5)


@pytest.mark.parametrize("turn", [0, 17, 45, 80])
def test_noisy_outlines_become_what_they_were(turn: int) -> None:
    true = shapely.affinity.rotate(L_SHAPE, turn)
    before = np.array([noisy(true)], object)
    found = regularise(before, np.array([True]), 0.5)
    assert found.squared == 1 and found.moved_m <= 0.5
    assert shapely.get_num_coordinates(found.shapes[0]) == 7 and angles(found.shapes[0]).max() < 1e-6
    assert found.corners[0] > 100 and found.corners[1] == 7
    iou = true.intersection(found.shapes[0]).area / true.union(found.shapes[0]).area
    assert iou > 0.97 and found.iou == pytest.approx(iou, abs=0.03)


def test_circles_others_and_shared_borders_stay() -> None:
    circle, house = shapely.Point(50, 0).buffer(6), noisy(L_SHAPE, 1)
    left, right = shapely.box(0, 40, 10, 50), shapely.box(10, 40, 20, 50)
    shapes = np.array([circle, house, left, right, noisy(shapely.affinity.translate(L_SHAPE, 0, 80))], object)
    found = regularise(shapes, np.array([True, True, True, True, False]), 0.5)
    assert (found.changed == [False, True, False, False, False]).all()
    assert (found.round, found.squared, found.shared) == (1, 1, 2)
    assert all(a.equals(b) for a, b in zip(shapes[~found.changed], found.shapes[~found.changed], strict=True))


def test_nothing_overlaps() -> None:
    """Houses so close that some outlines would meet; without undoing there are overlaps."""
    shapes = np.array(
        [
            noisy(shapely.box(11 * i, 11 * j, 11 * i + 10.7, 11 * j + 10.7), 9 * i + j, 0.14)
            for i in range(8)
            for j in range(8)
        ],
        object,
    )
    found = regularise(shapes, np.ones(64, bool), 1.0)
    one, other = shapely.STRtree(found.shapes).query(found.shapes, predicate="intersects")
    areas = shapely.area(shapely.intersection(found.shapes[one], found.shapes[other]))[one != other]
    assert not areas.size or areas.max() < 1e-6
    assert found.squared > 32 and found.moved_m <= 1.0 and shapely.is_valid(found.shapes).all()


def test_a_class_that_the_map_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="nearest: building"):
        check_classes(PolygonSettings(regularise=("buildings",)), ["background", "building"])
