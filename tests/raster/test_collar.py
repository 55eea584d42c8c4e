"""Collars: nodata by colour, where it reaches the scene's edge and nowhere else."""

from pathlib import Path

import numpy as np
import pytest
from rasterio.features import rasterize

from builders import card, write_scene
from manet.errors import SceneError
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
        np.testing.assert_array_equal(found.covers(scene.window), ~inside)
        part = Window(7, 30, 101, 150)
        np.testing.assert_array_equal(found.covers(part), ~inside[part.slices])
        other = find_collar(scene, "white" if colour == 0 else "black")
        assert named == "both" or not other.covers(scene.window).any()


def test_predicting_without_a_collar(tmp_path: Path) -> None:
    image, inside = scene_with(0)
    with Scene(write_scene(tmp_path / "scene.tif", image)) as scene:
        fit = adapt_scene(scene, card(gsd_m=0.2)).without_collar("black")
        assert fit.resampled is not None
        with fit.own as own, fit.resampled as resampled:
            np.testing.assert_array_equal(own.read(own.window)[1], inside)
            valid = resampled.read(resampled.window)[1]
            assert valid.mean() == pytest.approx(inside.mean(), abs=0.02)
    with (
        Scene(write_scene(tmp_path / "float.tif", image.astype(np.float32))) as scene,
        pytest.raises(SceneError, match="black and white are not known"),
    ):
        find_collar(scene, "black")
