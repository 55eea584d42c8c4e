"""Collars: nodata by colour, where it reaches the scene's edge and nowhere else."""

from pathlib import Path

import numpy as np
import pytest
from rasterio.features import rasterize

from builders import Recorded, card, write_scene
from manet.datasets.sources import prepare_source
from manet.errors import SceneError
from manet.legend import IGNORED
from manet.prediction.adapt import adapt_scene
from manet.raster.collar import Colour, find_collar
from manet.raster.scene import Scene
from manet.raster.windows import Window

HEIGHT, WIDTH = 130, 190


def scene_with(colour: int, dtype: str = "uint8") -> tuple[np.ndarray, np.ndarray]:
    """An image that stands askew in a collar with some noise, and where it is. Inside, pixels of the same colour."""
    rng, most = np.random.default_rng(0), np.iinfo(dtype).max
    corners = [(20, 0), (WIDTH, 12), (WIDTH - 25, HEIGHT), (0, HEIGHT - 15)]
    inside = rasterize([{"type": "Polygon", "coordinates": [[*corners, corners[0]]]}], (HEIGHT, WIDTH)) == 1
    image = rng.integers(most // 8, most - most // 8, (3, HEIGHT, WIDTH)).astype(dtype)
    noise = rng.integers(0, most // 40, (3, HEIGHT, WIDTH)).astype(dtype)
    collar = noise if colour == 0 else most - noise
    image[:, ~inside] = collar[:, ~inside]
    image[:, 50:80, 60:120] = colour and most
    return image, inside


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize(("colour", "named"), [(0, "black"), (1, "white"), (0, "both"), (1, "both")])
def test_the_frame_is_nodata_and_the_inside_is_not(
    colour: int, named: Colour, dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("manet.raster.collar.BLOCK", 48)
    image, inside = scene_with(colour, dtype)
    with Scene(write_scene(tmp_path / "scene.tif", image)) as scene:
        found = find_collar(scene, named)
        assert found is not None and found.share == pytest.approx((~inside).mean())
        np.testing.assert_array_equal(found.covers(scene.window), ~inside)
        part = Window(7, 30, 101, 150)
        np.testing.assert_array_equal(found.covers(part), ~inside[part.slices])
        assert named == "both" or find_collar(scene, "white" if colour == 0 else "black") is None


def test_predicting_without_a_collar(tmp_path: Path) -> None:
    image, inside = scene_with(0)
    with Scene(write_scene(tmp_path / "scene.tif", image)) as scene:
        fit = adapt_scene(scene, card(gsd_m=0.2), collar="black")
        assert fit.resampled is not None and "a frame of black" in fit.notes[0] and "collar is nodata" in fit.changes
        with fit.own as own, fit.resampled as resampled:
            np.testing.assert_array_equal(own.read(own.window)[1], inside)
            valid = resampled.read(resampled.window)[1]
            assert valid.mean() == pytest.approx(inside.mean(), abs=0.02)
    with (
        Scene(write_scene(tmp_path / "float.tif", image.astype(np.float32))) as scene,
        pytest.raises(SceneError, match="black and white are not known"),
    ):
        find_collar(scene, "black")


def framed(fill: int, dtype: str = "uint8") -> tuple[np.ndarray, np.ndarray]:
    """Imagery in a frame of one value that is notched, so that straight lines from the edges do not reach all of it."""
    rng = np.random.default_rng(1)
    image = rng.integers(60, 200, (3, 240, 200)).astype(dtype)
    frame = np.zeros((240, 200), bool)
    frame[:9], frame[-5:], frame[:, :12], frame[:, -7:] = True, True, True, True
    frame[60:180, 40:150] = True  # a hall in the imagery's middle ...
    frame[90:150, 60:120] = False  # ... with an island
    frame[170:, 90:94] = True  # ... and a way in from the last rows, which is bent
    frame[200:204, 90:130] = True
    image[:, frame] = fill
    image[:, 20:40, 20:190] = fill  # reached by nothing: a roof
    image[:, 30:34, 190:193] = 77
    image[:, 20:40, 186:] = 77
    return image, frame


@pytest.mark.parametrize(
    ("fill", "dtype"), [(255, "uint8"), (0, "uint8"), (131, "uint8"), (0, "uint16"), (-1, "int16")]
)
def test_a_frame_is_found_by_the_corners(
    fill: int, dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("manet.raster.collar.BLOCK", 50)
    image, frame = framed(fill, dtype)
    frame[20:40, 186:] = False
    with Scene(write_scene(tmp_path / "scene.tif", image)) as scene:
        found = find_collar(scene)
        assert found is not None
        np.testing.assert_array_equal(found.covers(scene.window), frame)
        assert find_collar(scene, "keep") is None


def test_preparing_a_folder_of_framed_images(tmp_path: Path) -> None:
    image, frame = framed(255)
    for folder in ("images", "labels"):
        (tmp_path / "src" / folder).mkdir(parents=True)
    for name in "abc":
        write_scene(tmp_path / f"src/images/{name}.tif", image)
        write_scene(tmp_path / f"src/labels/{name}.tif", np.ones((1, 240, 200), np.uint8))
    told = Recorded()
    settings = {"legend": "buildings", "split": "file"}
    prepare_source("folder", tmp_path / "data", tmp_path / "src", **settings, progress=told)
    assert any("3 of 3 images, white" in line and "frames taken for nodata" in line for line in told.lines)
    frame[20:40, 186:] = False
    with Scene(tmp_path / "data/images/a.tif") as scene, Scene(tmp_path / "data/labels/a.tif") as labels:
        np.testing.assert_array_equal(scene.read(scene.window)[1], ~frame)
        np.testing.assert_array_equal(labels.read(labels.window)[0][0] == IGNORED, frame)


def test_imagery_without_a_frame_stays(tmp_path: Path) -> None:
    image, _ = framed(255)
    image[:, :20], image[:, -20:] = 90, 91  # corners of two values
    image[:, 0, ::2] = image[:, -1, ::2] = 80
    image[:, ::2, 0] = image[:, ::2, -1] = 80
    for name, pixels in (
        ("no", image),
        ("plain", np.full_like(image, 255)),
        ("small", np.full((3, 20, 20), 255, np.uint8)),
    ):
        with Scene(write_scene(tmp_path / f"{name}.tif", pixels)) as scene:
            assert find_collar(scene) is None, name


def test_the_warning_about_values_does_not_count_the_frame(tmp_path: Path) -> None:
    image = np.full((3, 400, 400), 0, np.uint8)
    image[:, 150:250, 150:250] = np.random.default_rng(0).integers(60, 200, (3, 100, 100))
    trained = card(band_mean=(130.0,) * 3, band_std=(40.0,) * 3)
    with Scene(write_scene(tmp_path / "scene.tif", image)) as scene:
        assert not adapt_scene(scene, trained).warnings
        assert "far from the training's" in adapt_scene(scene, trained, collar="keep").warnings[0]
