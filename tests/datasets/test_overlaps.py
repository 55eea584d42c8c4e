"""Images of different splits that lie on the same ground, whatever their pixels hold."""

import pytest
from pytest import approx
from rasterio.crs import CRS
from rasterio.transform import Affine

from manet.datasets.manifest import Area
from manet.datasets.overlaps import ScenePlace, overlaps

UTM = CRS.from_epsg(32633)


def place(column: int, crs: CRS | None = UTM) -> ScenePlace:
    """Of an image whose first column is this one of a common grid of half metres."""
    return ScenePlace(crs, Affine(0.5, 0, 500_000 + 0.5 * column, 0, -0.5, 5_400_000))


def whole(name: str, width: int = 200) -> Area:
    return Area(scene=name, row=0, col=0, height=100, width=width)


def test_tiles_of_one_flight() -> None:
    places = {"a": place(0), "b": place(100), "c": place(200), "far": place(5000)}
    splits = {"train": (whole("a"), whole("c")), "validation": (whole("far"),), "test": (whole("b"),)}
    (found,) = overlaps(places, splits)  # type: ignore[arg-type]
    assert (found.split, found.other, found.share) == ("test", "train", approx(1))
    assert "images overlap: 100 % of the ground of the test split" in str(found) and "'b' on 'c'" in str(found)


@pytest.mark.parametrize(("column", "share"), [(200, None), (199, None), (150, 0.25), (-20, 0.9)])
def test_only_what_is_shared_counts(column: int, share: float | None) -> None:
    splits = {"train": (whole("a"),), "test": (whole("b"),)}
    found = overlaps({"a": place(0), "b": place(column)}, splits)  # type: ignore[arg-type]
    assert [overlap.share for overlap in found] == ([] if share is None else [approx(share)])


def test_areas_and_not_their_images_are_compared() -> None:
    left, right = (Area(scene=name, row=0, col=col, height=100, width=50) for name, col in (("a", 0), ("b", 150)))
    assert not overlaps({"a": place(0), "b": place(0)}, {"train": (left,), "test": (right,)})


def test_another_crs_and_none() -> None:
    degrees = ScenePlace(CRS.from_epsg(4326), Affine(1e-5, 0, 15.0, 0, -5e-6, 48.7526))
    splits = {"train": (whole("a"), whole("nowhere")), "test": (whole("b"),)}
    places = {"a": place(0), "b": degrees, "nowhere": place(0, None)}
    (found,) = overlaps(places, splits)  # type: ignore[arg-type]
    assert 0 < found.share < 1 and found.scenes == ("b", "a")
    assert not overlaps({name: place(0, None) for name in places}, splits)  # type: ignore[arg-type]
