"""Scenes unlike the training data: resampled, bands by name, values looked at."""

import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.transform import Affine
from torch import Tensor

from builders import HEIGHT, RGB, WIDTH, FunctionRuntime, card, picture, write_map
from manet.cli import main
from manet.errors import SceneError
from manet.legend import BUILDINGS, IGNORED
from manet.networks import build
from manet.networks.checkpoint import write_checkpoint
from manet.prediction.adapt import OwnGrid, adapt_scene
from manet.prediction.outputs import Outputs
from manet.prediction.window_context import WindowContext
from manet.raster.scene import Scene
from manet.raster.vectors import bounds_of
from manet.raster.windows import tiles

HOLE = np.zeros((HEIGHT, WIDTH), bool)
HOLE[50:90, 60:130] = True


def write_scene(
    path: Path,
    bands: int = 3,
    dtype: str = "uint8",
    top: float = 255,
    *,
    gsd_m: float = 0.3,
    hole: str = "",
    names: tuple[str, ...] = (),
    crs: CRS | None = CRS.from_epsg(32632),  # noqa: B008
) -> Path:
    """hole: how the file says what is not valid: nodata, mask or alpha."""
    image = (picture(bands) * top).astype(dtype)
    nodata = {"float32": -9999}.get(dtype, 0) if hole == "nodata" else None
    if nodata is not None:
        image[:, HOLE] = nodata
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(
            path,
            "w",
            driver="GTiff",
            height=HEIGHT,
            width=WIDTH,
            count=bands + (hole == "alpha"),
            dtype=dtype,
            crs=crs,
            transform=Affine(gsd_m, 0, 500_000, 0, -gsd_m, 5_300_000),
            nodata=nodata,
            photometric="RGB" if bands == 3 else "MINISBLACK",
        ) as dataset,
    ):
        dataset.write(image, list(range(1, bands + 1)))
        if names:
            dataset.descriptions = names
        if hole == "mask":
            dataset.write_mask(np.where(HOLE, 0, 255).astype(np.uint8))
        if hole == "alpha":
            dataset.write(np.where(HOLE, 0, np.iinfo(dtype).max).astype(dtype), bands + 1)
            dataset.colorinterp = [*dataset.colorinterp[:bands], ColorInterp.alpha]
    return path


@pytest.mark.parametrize(
    ("bands", "dtype", "top", "hole"),
    [
        (3, "uint8", 255, "nodata"),
        (3, "uint8", 255, "alpha"),
        (3, "uint8", 255, "mask"),
        (4, "uint16", 9000, "alpha"),
        (13, "uint16", 9000, "mask"),
        (1, "float32", 1.0, "nodata"),
        (1, "float32", 1.0, ""),
    ],
)
@pytest.mark.parametrize("gsd_m", [0.13, 0.7])
def test_a_scene_at_another_ground_sampling_distance(
    bands: int, dtype: str, top: float, hole: str, gsd_m: float, tmp_path: Path
) -> None:
    """The same ground, with the same values and the same holes, whatever the windows that it is read in."""
    path = write_scene(tmp_path / "scene.tif", bands, dtype, top, hole=hole)
    with Scene(path) as scene, scene.at(gsd_m) as other:
        assert other.gsd_m() == pytest.approx(gsd_m, rel=0.01)
        assert (other.dtype, other.bands) == (dtype, bands)
        np.testing.assert_allclose(bounds_of(other.window, other.transform), bounds_of(scene.window, scene.transform))
        image, valid = other.read(other.window)
        own, own_valid = scene.read(scene.window)
        assert np.array_equal(own_valid, ~HOLE if hole else np.ones_like(HOLE))
        assert valid.mean() == pytest.approx(own_valid.mean(), abs=5e-3 if gsd_m < 0.3 else 0.012)
        assert image[:, valid].mean(axis=1) == pytest.approx(own[:, own_valid].mean(axis=1), rel=5e-3)
        assert image[:, valid].min() >= own[:, own_valid].min(), "no nodata is mixed in"
        for window in tiles(other.height, other.width, 64):
            part, known = other.read(window)
            np.testing.assert_array_equal(part, image[:, *window.slices])
            np.testing.assert_array_equal(known, valid[window.slices])


def brightness(images: Tensor, valid: Tensor | None) -> Tensor:
    """A network that sees one pixel at a time: building where the first band is bright."""
    return torch.cat([127 - images[:, :1], images[:, :1] - 127], dim=1)


@pytest.mark.parametrize("gsd_m", [0.11, 0.3, 0.83])
def test_the_map_of_a_resampled_scene_lies_on_its_own_grid(gsd_m: float, tmp_path: Path) -> None:
    path = write_scene(tmp_path / "scene.tif", hole="mask")
    with Scene(path) as scene:
        adapted = adapt_scene(scene, card(gsd_m=gsd_m))
        assert (adapted.resampled is None) == (gsd_m == 0.3) == (not adapted.notes)
        assert not adapted.warnings
        with adapted.own as own, adapted.resampled or own as seen:
            context = WindowContext(FunctionRuntime(brightness), 2, 40, 8)
            predictor = OwnGrid(context, own, seen) if adapted.resampled else context
            calls = write_map(predictor, own, Outputs(tmp_path / "map.tif"), BUILDINGS)
            assert calls[-1] == predictor.steps(own.window) == len(context.windows(seen.window))
    with rasterio.open(tmp_path / "map.tif") as raster, rasterio.open(path) as source:
        assert (raster.shape, raster.transform, raster.crs) == (source.shape, source.transform, source.crs)
        prediction = raster.read(1)
    np.testing.assert_array_equal(prediction == IGNORED, HOLE)
    expected = (picture(1)[0] * 255).astype(np.uint8) > 127
    assert (prediction == expected)[~HOLE].mean() > (0.999 if gsd_m == 0.3 else 0.97)


def test_native_keeps_the_resolution_and_unknown_ones_are_said(tmp_path: Path) -> None:
    with Scene(write_scene(tmp_path / "scene.tif")) as scene:
        adapted = adapt_scene(scene, card(gsd_m=0.1), native=True)
        assert adapted.resampled is None and "0.3 m a pixel, the training had 0.1 m" in adapted.warnings[0]
        assert adapt_scene(scene, card(gsd_m=0.28)).resampled is None
        assert "training's ground sampling distance is unknown" in adapt_scene(scene, card(gsd_m=None)).notes[0]
    with Scene(write_scene(tmp_path / "nowhere.tif", crs=None)) as scene:
        assert "scene's ground sampling distance is unknown" in adapt_scene(scene, card(gsd_m=0.1)).notes[0]
        with pytest.raises(SceneError, match="no CRS"):
            scene.at(0.1)


def test_bands_are_taken_by_name(tmp_path: Path) -> None:
    names = ("NIR", "Blue", "Green", "Red", "slope")
    with Scene(write_scene(tmp_path / "scene.tif", 5, names=names)) as scene:
        whole, _ = scene.read(scene.window)
        adapted = adapt_scene(scene, card(gsd_m=0.6))
        assert adapted.notes[0] == "bands by name: red, green, blue out of NIR, Blue, Green, Red, slope"
        assert adapted.own.band_names == ["Red", "Green", "Blue"]
        np.testing.assert_array_equal(adapted.own.read(scene.window)[0], whole[[3, 2, 1]])
        assert adapted.resampled is not None and adapted.resampled.bands == 3
        adapted.own.close()
        with pytest.raises(SceneError, match=r"has 5 bands, the checkpoint expects 2 \(red, elevation"):
            adapt_scene(scene, card(("red", "elevation")))
        with pytest.raises(SceneError, match=r"has the bands NIR.*expects red, green, blue, near infrared, elevation"):
            adapt_scene(scene, card((*RGB, "near infrared", "elevation")))


def test_bands_are_taken_by_position_where_names_say_nothing(tmp_path: Path) -> None:
    """Three bands of bytes are red, green and blue to GDAL, whatever they are; that is said, and not believed."""
    with Scene(write_scene(tmp_path / "colours.tif")) as scene:
        adapted = adapt_scene(scene, card(("near infrared", "red", "green")))
        assert adapted.own is scene
        assert adapted.warnings == (
            "bands by position, not by name: the scene's red, green, blue as near infrared, red, green",
        )
        assert not adapt_scene(scene, card(("band 1", "band 2", "band 3"))).warnings
    with Scene(write_scene(tmp_path / "unnamed.tif", 4)) as scene:
        assert not adapt_scene(scene, card(("band 1", "band 2", "band 3", "band 4"))).warnings


def test_values_are_looked_at(tmp_path: Path) -> None:
    with (
        Scene(write_scene(tmp_path / "wide.tif", 3, "uint16", 9000)) as scene,
        pytest.raises(SceneError, match=r"\(uint16\) has values from \d+ to \d+, .* trained on uint8 \(0 to 255\)"),
    ):
        adapt_scene(scene, card())
    with Scene(write_scene(tmp_path / "narrow.tif", 3, "uint16", 255)) as scene:
        assert not adapt_scene(scene, card()).warnings
    with (
        Scene(write_scene(tmp_path / "scaled.tif", 3, "float32", 1.0)) as scene,
        pytest.raises(SceneError, match=r"\(float32\) has values from .* as if they were scaled to 0 to 1.* uint8 "),
    ):
        adapt_scene(scene, card())
    with Scene(write_scene(tmp_path / "dark.tif", 3, "float32", 2.0, names=RGB)) as scene:
        (warning,) = adapt_scene(scene, card()).warnings
        assert "values far from the training's" in warning and "red: mean" in warning and "blue: mean" in warning
    with Scene(write_scene(tmp_path / "holes.tif", hole="mask")) as scene:
        assert not adapt_scene(scene, card()).warnings


def test_predict_says_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    network, checkpoint = build("manet", encoder="regnetx_002", bands=2, classes=2), tmp_path / "x.safetensors"
    of = card(("green", "red"), gsd_m=0.6)
    network.set_statistics(of.band_mean, of.band_std)
    write_checkpoint(checkpoint, network, of)
    scene = write_scene(tmp_path / "scene.tif", top=60)
    for context in ("window", "scene"):
        out = tmp_path / f"map-{context}.tif"
        options = ["--context", context, "--window", "96", "--device", "cpu", "--out", str(out)]
        if context == "scene":
            options += ["--halo", "32"]
        monkeypatch.setattr(sys, "argv", ["manet", "predict", str(checkpoint), str(scene), *options])
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code
        text = capsys.readouterr().out
        assert "bands by name: green, red out of red, green, blue" in text
        assert "0.3 m a pixel, the training had 0.6 m: resampled" in text
        assert "warning: values far from the training's" in text
        with rasterio.open(out) as raster:
            assert raster.shape == (HEIGHT, WIDTH) and set(np.unique(raster.read())) <= {0, 1}


def test_pixels_that_are_not_square_are_resampled_in_both_directions(tmp_path: Path) -> None:
    """At 60 degrees north a pixel in degrees is half as wide as it is high."""
    degrees = 0.3 / 111_400
    image = np.random.default_rng(0).integers(1, 255, (3, 80, 120), dtype=np.uint8)
    with rasterio.open(
        tmp_path / "north.tif",
        "w",
        driver="GTiff",
        height=80,
        width=120,
        count=3,
        dtype="uint8",
        crs="EPSG:4326",
        transform=Affine(degrees, 0, 25, 0, -degrees, 60),
    ) as dataset:
        dataset.write(image)
    with Scene(tmp_path / "north.tif") as scene:
        adapted = adapt_scene(scene, card(gsd_m=0.3))
        assert adapted.resampled is not None and "0.15 x 0.3 m (width x height) a pixel" in adapted.notes[0]
        assert adapted.resampled.height == 80 and abs(adapted.resampled.width - 60) <= 1
        assert adapted.resampled.pixel_m() == pytest.approx((0.3, 0.3), rel=0.02)
