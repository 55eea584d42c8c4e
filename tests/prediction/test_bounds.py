"""Values that are no measurements, and scenes without end."""

from pathlib import Path

import numpy as np
import pytest
import torch
from rasterio.crs import CRS
from rasterio.transform import Affine
from torch import Tensor

from builders import FunctionRuntime, Recorded, Run, card, lively, one_line
from manet.errors import OptionError, SceneError
from manet.legend import IGNORED
from manet.model import Model
from manet.networks import build
from manet.prediction.adapt import adapt_scene, tell_senseless
from manet.prediction.settings import PredictionSettings
from manet.prediction.work import check_work
from manet.raster.array_scene import ArrayScene
from manet.raster.scene import Scene
from manet.raster.windows import count_starts, starts
from manet.runtime.pytorch import PyTorch

SETTINGS = (PredictionSettings(window=64, overlap=16), PredictionSettings(context="scene", window=128, halo=32))


@pytest.mark.parametrize("settings", SETTINGS, ids=["window", "scene"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [1e30, -3.4e38, np.inf, np.nan])
def test_what_is_no_measurement_is_nodata_and_counted(value: float, dtype: str, settings: PredictionSettings) -> None:
    torch.manual_seed(0)
    network = lively(build("manet", encoder="resnet10t", classes=2))
    network.set_statistics([0.0] * 3, [1.0] * 3)
    image = np.random.default_rng(0).normal(0, 1, (3, 128, 160)).astype(dtype)
    trained = card(dtype="float32", band_mean=(0.0,) * 3, band_std=(1.0,) * 3, gsd_m=None)
    model = Model(PyTorch(network), trained)
    image[1, 20:25, 30:35] = value
    told = Recorded()
    found = model.predict(image, settings, progress=told)
    hole = np.zeros((128, 160), bool)
    hole[20:25, 30:35] = True
    np.testing.assert_array_equal(found.classes == IGNORED, hole)
    assert any("are nodata: 25" in line for line in told.lines)
    image[1, 20:25, 30:35] = 0.3
    masked = ArrayScene(image, ~hole)
    assert masked.read(masked.window)[1].sum() == (~hole).sum() and not masked.senseless


def test_very_many_are_told_as_many() -> None:
    scene = ArrayScene(np.full((1, 200, 200), 1e20))
    scene.read(scene.window)
    told = Recorded()
    tell_senseless(scene, told)
    assert told.lines[0].endswith("10000 and more")


@pytest.mark.parametrize(("length", "size", "step"), [(5, 8, 3), (8, 8, 3), (9, 8, 3), (100, 32, 24), (104, 32, 24)])
def test_windows_are_counted_without_listing_them(length: int, size: int, step: int) -> None:
    assert count_starts(length, size, step) == len(starts(length, size, step))


@pytest.mark.parametrize("transform", [Affine(0, 0, 5e5, 0, 0, 5e6), Affine(0.5, 0.5, 5e5, 0.5, 0.5, 5e6)])
def test_a_degenerate_transform_is_refused(transform: Affine) -> None:
    image = np.random.default_rng(0).integers(1, 255, (3, 80, 90), dtype=np.uint8)
    with pytest.raises(SceneError, match="puts its pixels on one point or line.*gdal_edit"):
        adapt_scene(ArrayScene(image, crs=CRS.from_epsg(32633), transform=transform), card())


def test_coordinates_beyond_the_earth_are_an_unknown_place() -> None:
    image = np.random.default_rng(0).integers(1, 255, (3, 80, 90), dtype=np.uint8)
    far = Affine(1e100, 0, 0, 0, -1e100, 0)
    assert ArrayScene(image, crs=CRS.from_epsg(32633), transform=far).gsd_m() is None


def endless(images: Tensor, valid: Tensor | None) -> Tensor:
    return torch.zeros(len(images), 2, *images.shape[2:])


def test_an_endless_scene_is_refused_before_anything_is_computed(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    side = 2**31 - 1
    band = '<VRTRasterBand dataType="Byte" band="{}"><ColorInterp>{}</ColorInterp></VRTRasterBand>'
    bands = "".join(band.format(number, name) for number, name in enumerate(("Red", "Green", "Blue"), 1))
    vrt = tmp_path / "endless.vrt"
    vrt.write_text(f'<VRTDataset rasterXSize="{side}" rasterYSize="{side}">{bands}</VRTDataset>')
    status, _, error = run("predict", checkpoint, vrt, "--out", tmp_path / "map.tif", "--device", "cpu")
    assert status == 2 and "megapixels" in one_line(error) and "(see --yes)" in error and "hours here" in error
    assert {path.name for path in tmp_path.iterdir()} == {"endless.vrt"}
    with Scene(vrt) as scene:
        check_work(FunctionRuntime(endless), card(), scene, PredictionSettings(limit_megapixels=float("inf")))
        with pytest.raises(OptionError, match="the limit is 5:"):
            check_work(FunctionRuntime(endless), card(), scene, PredictionSettings(limit_megapixels=5))
