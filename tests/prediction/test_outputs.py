"""What a prediction writes: probabilities, uncertainty, cloud-optimised files, areas on the ellipsoid."""

import csv
import json
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
import torch
from rasterio.crs import CRS
from rasterio.transform import Affine
from torch import Tensor

from builders import FunctionRuntime, brightness, write_map, write_scene
from manet.errors import OutputError
from manet.legend import BUILDINGS, IGNORED, ISPRS
from manet.prediction.outputs import Outputs
from manet.prediction.window_context import WindowContext
from manet.raster.ellipsoid import ground_of
from manet.raster.scene import Scene
from manet.raster.surfaces import class_surfaces, write_surfaces
from manet.raster.windows import Window
from manet.raster.writer import write_classes

HEIGHT, WIDTH = 600, 1100


@pytest.fixture(scope="module")
def scene_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = np.random.default_rng(0).integers(1, 255, (3, HEIGHT, WIDTH), dtype=np.uint8)
    image[:, 100:200, 500:900] = 0
    return write_scene(tmp_path_factory.mktemp("scene") / "scene.tif", image, nodata=0)


def write(scene_path: Path, outputs: Outputs) -> None:
    with Scene(scene_path) as scene:
        write_map(WindowContext(FunctionRuntime(brightness), 6, 200, 30), scene, outputs)


def expected(scene_path: Path) -> tuple[np.ndarray, np.ndarray]:
    with Scene(scene_path) as scene:
        image, valid = scene.read(scene.window)
    images: Tensor = torch.from_numpy(image[None].astype(np.float64))
    return brightness(images, None).softmax(1)[0].numpy(), valid


@pytest.mark.parametrize("cog", [False, True])
def test_every_raster(cog: bool, scene_path: Path, tmp_path: Path) -> None:
    outputs = Outputs(tmp_path / "map.tif", tmp_path / "p/shares.tif", tmp_path / "doubt.tif", cog=cog)
    write(scene_path, outputs)
    probabilities, valid = expected(scene_path)
    with rasterio.open(outputs.classes) as raster:
        classes = raster.read(1)
        np.testing.assert_array_equal(classes, np.where(valid, probabilities.argmax(0), IGNORED))
        assert raster.colormap(1)[1] == (0, 0, 255, 255) and raster.nodata == IGNORED
        assert (raster.overviews(1) != []) == cog
        assert (raster.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") == "COG") == cog
    with rasterio.open(tmp_path / "p/shares.tif") as raster:
        assert raster.descriptions == tuple(ISPRS.names) and raster.nodata == IGNORED
        bands = raster.read()
        assert np.abs(bands[:, valid] * raster.scales[0] - probabilities[:, valid]).max() <= 0.51 / 254
        assert (bands[:, ~valid] == IGNORED).all() and (bands[:, valid] < IGNORED).all()
    with rasterio.open(tmp_path / "doubt.tif") as raster:
        entropy = -(probabilities * np.log(np.maximum(probabilities, 1e-300))).sum(0) / np.log(6)
        assert np.abs(raster.read(1)[valid] / 254 - entropy[valid]).max() <= 0.51 / 254
        assert raster.descriptions == ("uncertainty",) and (raster.read(1)[~valid] == IGNORED).all()
    assert "low vegetation" in (tmp_path / "map.tif.aux.xml").read_text()
    assert {path.name for path in tmp_path.rglob("*")} == {
        "map.tif", "map.tif.aux.xml", "map.qml", "p", "shares.tif", "shares.qml", "doubt.tif", "doubt.qml",
    }  # fmt: skip


def test_overviews_hold_the_most_frequent_class(tmp_path: Path) -> None:
    image = np.full((3, 1024, 1536), 10, np.uint8)
    image[:, ::2, ::2] = 250  # a quarter of the pixels, those that a nearest neighbour would take
    write(write_scene(tmp_path / "scene.tif", image), Outputs(tmp_path / "map.tif", cog=True))
    with rasterio.open(tmp_path / "map.tif", overview_level=0) as overview:
        assert overview.shape == (512, 768) and (overview.read(1) == 0).all()


def test_no_output_is_overwritten_unasked(scene_path: Path, tmp_path: Path) -> None:
    (tmp_path / "shares.tif").write_text("mine")
    with pytest.raises(OutputError, match="shares.tif exists already"):
        write(scene_path, Outputs(tmp_path / "map.tif", tmp_path / "shares.tif"))
    assert [path.name for path in tmp_path.iterdir()] == ["shares.tif"]


@pytest.mark.parametrize(
    ("epsg", "transform"),
    [
        (4326, Affine(1e-6, 0, 85.5, 0, -1e-6, 27.6)),
        (4326, Affine(0.01, 0, 10, 0, -0.01, 62)),
        (32645, Affine(0.13, 0.04, 350000, 0.04, -0.13, 3056000)),
        (3857, Affine(0.5, 0, 9517000, 0, -0.5, 7900000)),
        (2154, Affine(2, 0, 700000, 0, -2, 6600000)),
        (2263, Affine(1, 0, 980000, 0, -1, 200000)),  # feet
    ],
)
def test_class_areas_are_those_of_geodesic_polygons(epsg: int, transform: Affine, tmp_path: Path) -> None:
    crs, shape = CRS.from_epsg(epsg), {"height": 700, "width": 600}
    classes = np.zeros((700, 600), np.uint8)
    classes[150:400, 37:520] = 1
    classes[600:] = IGNORED
    with write_classes(tmp_path / "map.tif", legend=BUILDINGS, crs=crs, transform=transform, **shape) as raster:
        raster.write(classes, Window(0, 0, 700, 600))
    background, building = class_surfaces(tmp_path / "map.tif", BUILDINGS)

    def geodesic(top: int, left: int, bottom: int, right: int) -> float:
        """Along parallels, too: with a vertex at every pixel."""
        down, across = np.arange(top, bottom), np.arange(left, right)
        rows = np.concatenate([np.full(len(across), top), down, np.full(len(across), bottom), down[::-1] + 1])
        columns = np.concatenate([across, np.full(len(down), right), across[::-1] + 1, np.full(len(down), left)])
        x = transform.a * columns + transform.b * rows + transform.c
        y = transform.d * columns + transform.e * rows + transform.f
        projection = pyproj.CRS.from_epsg(epsg)
        assert projection.geodetic_crs is not None
        to_degrees = pyproj.Transformer.from_crs(projection, projection.geodetic_crs, always_xy=True)
        geod = pyproj.Geod(ellps="GRS80" if epsg in (2154, 2263) else "WGS84")
        return abs(geod.polygon_area_perimeter(*to_degrees.transform(x, y))[0])

    assert building.area_m2 == pytest.approx(geodesic(150, 37, 400, 520), rel=2e-6)
    assert background.area_m2 is not None and building.area_m2 is not None
    assert background.area_m2 + building.area_m2 == pytest.approx(geodesic(0, 0, 600, 600), rel=2e-6)
    assert building.pixels == 250 * 483 and building.share == pytest.approx(250 * 483 / 360000)


def test_areas_as_table_and_document(tmp_path: Path) -> None:
    with write_classes(
        tmp_path / "map.tif", legend=BUILDINGS, crs=None, transform=Affine.identity(), height=3, width=5
    ) as raster:
        raster.write(np.array([[0, 0, 0, 0, 1]] * 3, np.uint8), Window(0, 0, 3, 5))
    areas = class_surfaces(tmp_path / "map.tif", BUILDINGS)
    write_surfaces(areas, tmp_path / "areas.json")
    document = json.loads((tmp_path / "areas.json").read_text())["classes"]
    assert document[1] == {"name": "building", "pixels": 3, "area_m2": None, "share": 0.2}
    with (tmp_path / "areas.csv").open(newline="") as file:
        assert next(iter(csv.DictReader(file))) == {"name": "background", "pixels": "12", "area_m2": "", "share": "0.8"}
    with pytest.raises(OutputError, match="exists already"):
        write_surfaces(areas, tmp_path / "areas.csv")
    assert ground_of(None, Affine.identity()) is None
