"""Polygons of maps: whole, with true areas and confidence, simplified without gaps."""

import sqlite3
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import rasterio.features
import shapely
from rasterio.crs import CRS
from rasterio.transform import Affine

from builders import Run
from manet.errors import OutputError, SceneError
from manet.legend import BUILDINGS, IGNORED, ISPRS, Legend
from manet.raster.features import write_features
from manet.raster.polygons import PolygonSettings, write_polygons
from manet.raster.simplify import simplify
from manet.raster.surfaces import class_surfaces
from manet.raster.trace import integral, trace
from manet.raster.windows import Window
from manet.raster.writer import write_classes, write_shares

EXACT = ("--simplify", 0, "--min-area", 0)
TRANSFORM = Affine(0.4, 0.1, 350000, 0.1, -0.4, 3056000)


def write_map(path: Path, classes: np.ndarray, legend: Legend = ISPRS, crs: CRS | None = None) -> Path:
    place = {"height": classes.shape[0], "width": classes.shape[1], "crs": crs, "transform": TRANSFORM}
    with write_classes(path, legend=legend, **place) as raster:
        raster.write(classes, Window(0, 0, *classes.shape))
    return path


def regions(classes: int, size: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """Squares of random classes, with nodata and single pixels between."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, classes, (-(-height // size), -(-width // size)), dtype=np.uint8)
    found = np.kron(coarse, np.ones((size, size), np.uint8))[:height, :width]
    found[rng.random(found.shape) < 0.02] = 0
    found[height // 3 : height // 2, width // 4 : width // 3] = IGNORED
    return found


def as_set(shapes: np.ndarray, classes: np.ndarray) -> set[tuple[bytes, int]]:
    return {(shapely.to_wkb(shapely.normalize(s)), int(c)) for s, c in zip(shapes, classes, strict=True)}


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("manet.raster.trace.BLOCK", 64)
    monkeypatch.setattr("manet.raster.trace.CELL", 50)


@pytest.mark.parametrize(("classes", "size"), [(2, 1), (3, 1), (5, 6), (2, 40)])
def test_polygons_are_those_of_the_whole_raster(classes: int, size: int, tmp_path: Path) -> None:
    raster = regions(classes, size, 150, 210)
    path = write_map(tmp_path / "map.tif", raster)
    found = rasterio.features.shapes(raster, mask=raster != IGNORED)
    expected = [(shapely.geometry.shape(shape), value) for shape, value in found]
    polygons = trace(path)
    shapes = polygons.shapes(0, len(polygons))
    assert as_set(shapes, polygons.classes) == as_set(*map(np.array, zip(*expected, strict=True)))
    assert shapely.is_valid(shapes).all() and shapely.area(shapes).sum() == (raster != IGNORED).sum()
    without = trace(path, left_out=0)
    assert as_set(without.shapes(0, len(without)), without.classes) == {
        entry for entry in as_set(shapes, polygons.classes) if entry[1] != 0
    }
    cells = trace(path, left_out=0, cells=True)
    cut = cells.shapes(0, len(cells))
    np.testing.assert_array_equal(
        rasterio.features.rasterize(list(zip(cut, cells.classes, strict=True)), raster.shape, fill=IGNORED), raster
    )
    background = shapely.bounds(cut[cells.classes == 0])
    assert (background[:, 2:] - background[:, :2]).max() <= 50


def test_sums_over_polygons(tmp_path: Path) -> None:
    raster = regions(3, 7, 150, 210)
    values = np.random.default_rng(1).integers(0, 254, (3, 150, 210), dtype=np.uint8)
    values[:, raster == IGNORED] = IGNORED
    with write_shares(
        tmp_path / "p.tif", height=150, width=210, band_names=list("abc"), crs=None, transform=TRANSFORM
    ) as file:
        file.write(values, Window(0, 0, 150, 210))
    polygons = trace(write_map(tmp_path / "map.tif", raster))
    found = polygons.sums(integral(tmp_path / "p.tif", polygons.corners))
    for index, shape in enumerate(polygons.shapes(0, len(polygons))):
        inside = rasterio.features.rasterize([shape], raster.shape) == 1
        assert found[index] == values.max(axis=0)[inside].sum(dtype=int)


def test_the_file(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("manet.raster.polygons.BATCH", 7)
    raster = regions(2, 9, 150, 210)
    path = write_map(tmp_path / "map.tif", raster, BUILDINGS, CRS.from_epsg(32645))
    with write_shares(
        tmp_path / "p.tif", height=150, width=210, band_names=["a", "b"], crs=None, transform=TRANSFORM
    ) as file:
        file.write(np.stack([raster * 0 + 127, raster * 100]).astype(np.uint8), Window(0, 0, 150, 210))
    status, text, _ = run("polygons", path, "--out", tmp_path / "x.gpkg", "--probabilities", tmp_path / "p.tif", *EXACT)
    meta, _, wkb, columns = pyogrio.raw.read(tmp_path / "x.gpkg", layer="x")
    assert status == 0 and f"{len(wkb)} polygons" in text and len(wkb) > 7
    assert meta["crs"] == "EPSG:32645" and list(meta["fields"]) == ["class", "name", "area_m2", "confidence"]
    classes, names, areas, confidence = columns
    assert set(classes) == {1} and set(names) == {"building"} and np.allclose(confidence, 0.5)
    building = class_surfaces(path, BUILDINGS)[1]
    assert areas.sum() == pytest.approx(building.area_m2, rel=1e-8)
    shapes = shapely.from_wkb(wkb)
    burnt = rasterio.features.rasterize(list(shapes), raster.shape, transform=TRANSFORM)
    np.testing.assert_array_equal(burnt == 1, raster == 1)
    least = float(np.median(areas))
    count = write_polygons(path, tmp_path / "large.gpkg", None, PolygonSettings("cells", 0, least))
    _, _, _, columns = pyogrio.raw.read(tmp_path / "large.gpkg", layer="large")
    assert len(columns[0]) == count and set(columns[1]) == {"building", "background"} and columns[2].min() >= least


def curved(height: int, width: int) -> np.ndarray:
    """Regions of four classes with curved borders, and nodata."""
    rng, rows, columns = np.random.default_rng(3), *np.mgrid[:height, :width]
    waves = [np.cos(rows * a + columns * b + c) for a, b, c in rng.uniform(-0.15, 0.15, (6, 3)) * (1, 1, 20)]
    found = np.digitize(sum(waves), (-1.5, 0, 1.5)).astype(np.uint8)
    found[40:70, 50:90] = IGNORED
    return found


def test_geopackages_are_of_a_version_that_gdal_3_6_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("manet.raster.polygons.BATCH", 5)
    write_polygons(write_map(tmp_path / "map.tif", regions(3, 6, 40, 60)), tmp_path / "polygons.gpkg")
    write_features(tmp_path / "points.gpkg", [shapely.Point(1, 2)], "Point", {"id": [1]}, "EPSG:32645")
    for name in ("polygons", "points"):
        with closing(sqlite3.connect(tmp_path / f"{name}.gpkg")) as database:
            assert database.execute("PRAGMA user_version").fetchone() == (10200,)


@pytest.mark.parametrize("tolerance", [1.0, 2.0, 4.0])
def test_simplified_polygons_share_their_borders(tolerance: float, tmp_path: Path) -> None:
    raster = curved(150, 210)
    polygons = trace(write_map(tmp_path / "map.tif", raster), 0, True)
    before = polygons.shapes(0, len(polygons))
    shapes = simplify(polygons, tolerance)
    assert shapely.coverage_is_valid(shapes)  # no overlap, no edge that is only nearly its neighbour's
    assert shapely.is_valid(shapes).all()
    corners = shapely.get_num_coordinates(shapes).sum()
    assert corners < shapely.get_num_coordinates(before).sum() / 2
    assert shapely.area(shapely.union_all(shapes)) == pytest.approx(shapely.area(shapes).sum(), rel=1e-9)
    moved = shapely.area(shapely.symmetric_difference(shapes, before))
    assert moved.sum() < tolerance * shapely.length(before).sum() / 2


def test_what_cannot_be_written(tmp_path: Path, run: Run) -> None:
    path = write_map(tmp_path / "map.tif", regions(2, 30, 60, 80))
    with pytest.raises(OutputError, match=r"ends in \.gpkg, .* or \.parquet"):
        write_polygons(path, tmp_path / "x.kml")
    with pytest.raises(SceneError, match="no CRS"):
        write_polygons(path, tmp_path / "x.gpkg", settings=PolygonSettings(least_area_m2=3))
    write_polygons(path, tmp_path / "x.gpkg")
    assert np.isnan(pyogrio.raw.read(tmp_path / "x.gpkg", layer="x")[3][2]).all()
    status, _, error = run("polygons", path, "--out", tmp_path / "x.gpkg")
    assert status == 2 and "exists already" in error
    empty = write_map(tmp_path / "empty.tif", np.full((30, 40), IGNORED, np.uint8))
    assert write_polygons(empty, tmp_path / "empty.gpkg", settings=PolygonSettings(simplify=1)) == 0
    assert pyogrio.read_info(tmp_path / "empty.gpkg", layer="empty")["features"] == 0


@pytest.mark.parametrize("ending", [".gpkg", ".geojson", ".shp", ".fgb"])
def test_formats_hold_the_same_polygons_and_a_style(ending: str, tmp_path: Path) -> None:
    path = write_map(tmp_path / "map.tif", regions(3, 9, 60, 80), ISPRS, CRS.from_epsg(32645))
    out = tmp_path / f"x{ending}"
    count = write_polygons(path, out, settings=PolygonSettings(simplify=0, least_area_m2=0))
    meta, _, wkb, columns = pyogrio.raw.read(out, layer="x", encoding="UTF-8")
    assert len(wkb) == count > 20 and list(meta["fields"])[:3] == ["class", "name", "area_m2"]
    assert set(columns[1]) == {"impervious surfaces", "building", "low vegetation"}
    area = shapely.area(shapely.from_wkb(wkb))
    if ending == ".geojson":  # degrees of WGS 84, as RFC 7946 asks for
        assert meta["crs"] in ("EPSG:4326", "OGC:CRS84") and abs(shapely.from_wkb(wkb[0]).bounds[0] - 85.5) < 0.1
    else:
        assert meta["crs"] == "EPSG:32645" and area == pytest.approx(columns[2], rel=2e-3)
    if ending == ".gpkg":
        with closing(sqlite3.connect(out)) as database:
            (style,) = database.execute("SELECT styleQML FROM layer_styles WHERE useAsDefault").fetchone()
        assert not out.with_suffix(".qml").exists()
    else:
        style = out.with_suffix(".qml").read_text()
    categories = ElementTree.fromstring(style.partition("\n")[2]).findall(".//category")
    assert [(c.get("value"), c.get("label")) for c in categories] == [(str(i), n) for i, n in enumerate(ISPRS.names)]
    with pytest.raises(OutputError, match="exists already"):
        write_polygons(path, out)
    assert write_polygons(path, out, overwrite=True) < count  # without specks
    assert not [left for left in tmp_path.iterdir() if ".partial-" in left.name]


def test_the_style_of_a_class_raster_has_its_classes_only(tmp_path: Path) -> None:
    write_map(tmp_path / "map.tif", regions(2, 9, 60, 80), BUILDINGS)
    style = ElementTree.fromstring((tmp_path / "map.qml").read_text().partition("\n")[2])
    entries = [(e.get("value"), e.get("label"), e.get("color")) for e in style.iter("paletteEntry")]
    assert entries == [("0", "background", "#ebebe1"), ("1", "building", "#c83c32")]


def test_specks_and_stairs_are_left_out_unless_asked_for(tmp_path: Path, run: Run) -> None:
    classes = np.zeros((60, 80), np.uint8)
    classes[5:25, 5:25] = np.tril(np.ones((20, 20), np.uint8))
    classes[40:47, 40:49], classes[40:48, 60:68] = 1, 1  # 63 and 64 pixels
    path = write_map(tmp_path / "map.tif", classes, BUILDINGS)
    status, text, _ = run("polygons", path, "--out", tmp_path / "x.gpkg")
    assert status == 0 and "smaller than 64 pixels: 1; bends below 1 pixel are removed" in text
    shapes = shapely.from_wkb(pyogrio.raw.read(tmp_path / "x.gpkg", layer="x")[2])
    assert sorted(shapely.get_num_coordinates(shapes))[0] == 5 and shapely.get_num_coordinates(shapes).max() < 10
    run("polygons", path, "--out", tmp_path / "all.gpkg", *EXACT)
    shapes = shapely.from_wkb(pyogrio.raw.read(tmp_path / "all.gpkg", layer="all")[2])
    assert len(shapes) == 3 and shapely.get_num_coordinates(shapes).max() == 41 + 2
