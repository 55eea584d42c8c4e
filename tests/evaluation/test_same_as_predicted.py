"""Scores are of the map that predicting the same scene writes: bands, types and resolutions are adapted alike."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from rasterio.crs import CRS
from rasterio.transform import Affine

import manet
from builders import Recorded, card, image_like, lively
from manet.datasets.manifest import Area, BandStatistics, Manifest, SceneEntry
from manet.errors import SceneError
from manet.evaluation.evaluate import evaluate
from manet.evaluation.metrics import confusion
from manet.legend import BUILDINGS
from manet.model import Model
from manet.networks import build
from manet.networks.checkpoint import write_checkpoint
from manet.prediction.settings import PredictionSettings

HEIGHT, WIDTH = 150, 96
SETTINGS = PredictionSettings(window=64, overlap=16)
RGB = ("red", "green", "blue")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Trained, as it says, on red, green and blue of 8 bits at 0.5 m."""
    torch.manual_seed(0)
    network = lively(build("manet", encoder="regnetx_002", classes=2))
    network.set_statistics([128, 120, 110], [30, 25, 35])
    path = tmp_path_factory.mktemp("model") / "network.safetensors"
    written = card(RGB, gsd_m=0.5, band_mean=(128.0, 120.0, 110.0), band_std=(30.0, 25.0, 35.0))
    write_checkpoint(path, network, written)
    return manet.load(path, device="cpu")


def write(
    folder: Path, image: np.ndarray, names: tuple[str, ...], gsd_m: float, area: Area | None = None
) -> np.ndarray:
    """A dataset of one test area, and its labels."""
    torch.manual_seed(1)
    folder.mkdir()
    bands, height, width = image.shape
    labels = np.random.default_rng(2).integers(0, 2, (height, width)).astype(np.uint8)
    transform = Affine(gsd_m, 0, 500_000, 0, -gsd_m, 5_300_000)
    for name, values, descriptions in (("image", image, names), ("labels", labels[None], ("class",))):
        profile = {"driver": "GTiff", "count": len(values), "height": height, "width": width, "dtype": values.dtype}
        profile["photometric"] = "MINISBLACK"  # the fourth band is no alpha band
        with rasterio.open(
            folder / f"{name}.tif", "w", crs=CRS.from_epsg(32632), transform=transform, **profile
        ) as dataset:
            dataset.write(values)
            dataset.descriptions = descriptions
    manifest = Manifest(
        dataset="one",
        legend=BUILDINGS,
        bands=names,
        dtype=str(image.dtype),
        gsd_m=gsd_m,
        scenes=(SceneEntry(name="a", image="image.tif", labels="labels.tif", height=height, width=width),),
        splits={"test": (area or Area(scene="a", row=0, col=0, height=height, width=width),)},
        statistics=BandStatistics(mean=(0,) * bands, std=(1,) * bands, minimum=(0,) * bands, maximum=(1,) * bands),
        pixels={},
        attribution="made for a test",
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return labels


@pytest.mark.parametrize(
    ("names", "gsd_m", "told"),
    [
        (RGB, 0.5, ()),
        (("blue", "green", "red"), 0.5, ("bands by name",)),
        (("red", "green", "blue", "nir"), 0.5, ("bands by name",)),
        (RGB, 0.8, ("resampled to 0.5 m",)),
        (RGB, 0.42, ("resampled to 0.5 m",)),
    ],
    ids=["own", "bgr", "four bands", "coarse", "fine"],
)
def test_the_scored_map_is_the_predicted_one(
    names: tuple[str, ...], gsd_m: float, told: tuple[str, ...], model: Model, tmp_path: Path
) -> None:
    image = np.concatenate([image_like(HEIGHT, WIDTH), image_like(HEIGHT, WIDTH)])[: len(names)]
    labels = write(tmp_path / "data", image, names, gsd_m)
    progress = Recorded()
    evaluation = evaluate(model, tmp_path / "data", "test", SETTINGS, progress=progress)
    predicted = model.predict(tmp_path / "data/image.tif", settings=SETTINGS).classes
    assert predicted.any() and not predicted.all()
    np.testing.assert_array_equal(evaluation.confusion, confusion(labels, predicted, 2))
    assert evaluation.protocol.adapted == told
    assert len([line for line in progress.lines if "by name" in line or "resampled" in line]) == len(told)


@pytest.mark.parametrize("gsd_m", [0.8, 0.2])
def test_areas_of_a_resampled_scene_are_scored_on_its_own_grid(gsd_m: float, model: Model, tmp_path: Path) -> None:
    area = Area(scene="a", row=11, col=7, height=101, width=73)
    labels = write(tmp_path / "data", image_like(HEIGHT, WIDTH), RGB, gsd_m, area)
    evaluation = evaluate(model, tmp_path / "data", "test", SETTINGS)
    assert [sum(row) for row in evaluation.confusion] == np.bincount(labels[area.window.slices].ravel()).tolist()


def test_what_predict_refuses_has_no_score(model: Model, tmp_path: Path) -> None:
    image = image_like(HEIGHT, WIDTH)
    write(tmp_path / "deep", image.astype(np.uint16) * 200, RGB, 0.5)
    with pytest.raises(SceneError, match="trained on uint8"):
        evaluate(model, tmp_path / "deep", "test", SETTINGS)
    write(tmp_path / "one", image[:1], ("red",), 0.5)
    with pytest.raises(SceneError, match="has 1 band,"):
        evaluate(model, tmp_path / "one", "test", SETTINGS)
