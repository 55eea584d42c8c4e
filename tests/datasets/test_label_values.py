"""What the values of label rasters are taken for: masks after lossy compression, and classes that no pixel has."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from builders import Recorded, train
from manet.datasets.label_classes import nearest_codes
from manet.datasets.sources import prepare_source
from manet.errors import DatasetError
from manet.legend import IGNORED
from manet.raster.scene import Scene
from manet.recipe import Recipe

HEIGHT, WIDTH = 128, 160


def truth() -> np.ndarray:
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[13:47, 20:71], labels[60:101, 90:150] = 1, 1
    return labels


def write(folder: Path, labels: np.ndarray, ending: str, **options: Any) -> Path:
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
    image = np.random.default_rng(0).integers(20, 230, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    for name in "abc":
        Image.fromarray(image).save(folder / f"images/{name}.png")
        Image.fromarray(labels).save(folder / f"labels/{name}.{ending}", **options)
    return folder


def prepare(source: Path, out: Path, **settings: Any) -> Recorded:
    told = Recorded()
    prepare_source("folder", out, source, progress=told, legend="buildings", split="file", **settings)
    return told


def labels_of(folder: Path) -> np.ndarray:
    with Scene(folder / "labels/a.tif") as scene:
        return scene.read(scene.window)[0][0]


def test_jpeg_masks_are_offered_to_be_rounded_and_never_learnt_as_they_are(tmp_path: Path) -> None:
    source = write(tmp_path / "src", 255 * truth(), "jpg", quality=75)
    with Image.open(source / "labels/a.jpg") as image:
        values = np.asarray(image)
    assert {1, 2} <= set(values.ravel().tolist()), "compression has left noise, which looks like class 1 too"
    with pytest.raises(DatasetError, match="masks of 0 and 255 after lossy compression.*rounded") as error:
        prepare(source, tmp_path / "refused")
    assert error.value.option == "stray" and not (tmp_path / "refused").exists()
    told = prepare(source, tmp_path / "data", stray="nearest")
    assert "the labels are masks: 0 is taken for 'background', 255 for 'building'" in told.lines
    np.testing.assert_array_equal(labels_of(tmp_path / "data"), truth())
    prepare(source, tmp_path / "ignored", stray="ignore")
    found = labels_of(tmp_path / "ignored")
    assert ((found == truth()) | (found == IGNORED)).all() and (found == 1).any()


def test_a_class_and_255_for_ignored_is_no_mask(tmp_path: Path) -> None:
    labels = truth()
    labels[:9] = 255
    prepare(write(tmp_path / "src", labels, "png"), tmp_path / "data", stray="nearest")
    np.testing.assert_array_equal(labels_of(tmp_path / "data"), np.where(labels == 255, IGNORED, labels))


def test_codes_are_rounded_only_if_it_is_plain_to_which() -> None:
    values = np.array([[0, 3, 84, 85, 128, 171, 254, 255]])
    np.testing.assert_array_equal(nearest_codes(values, {0: 0, 255: 1}, False), [[0, 0, 0, 85, 128, 255, 255, 255]])
    np.testing.assert_array_equal(nearest_codes(np.array([[4, 0]]), {1: 0, 2: 1, 3: 2}, False), [[4, 0]])
    red, green = 0xFF0000, 0x00FF00
    colours = np.array([[0xF00A05, 0x10F000, 0x808000]])
    np.testing.assert_array_equal(nearest_codes(colours, {red: 0, green: 1}, True), [[red, green, 0x808000]])


def test_a_class_without_a_pixel_is_a_warning_and_then_an_error(tmp_path: Path) -> None:
    told = prepare(write(tmp_path / "src", 0 * truth(), "png"), tmp_path / "data")
    assert "no pixel of the train split has the class building" in told.lines
    recipe = Recipe.model_validate(
        {"network": {"encoder": "resnet10t"}, "patches": {"size": 64, "batch": 2}, "training": {"epochs": 1}}
    )
    with pytest.raises(DatasetError, match="no pixel of the train split of 'data' has the class building") as error:
        train(tmp_path / "data", recipe, tmp_path / "run")
    assert error.value.option == "missing_classes" and not (tmp_path / "run").exists()
    train(tmp_path / "data", recipe, tmp_path / "run", missing_classes=True)
    assert (tmp_path / "run/best.safetensors").is_file()
