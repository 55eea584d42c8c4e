"""Inspecting a dataset: faults are found, and only faults are reported; info and recipes say what there is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from rasterio.transform import Affine
from typer.testing import CliRunner

from builders import Recorded
from manet.cli import app
from manet.datasets.alignment import EdgeFit
from manet.datasets.duplicates import Fingerprints
from manet.datasets.inspect import Inspection, inspect
from manet.datasets.manifest import Area, Manifest, Split
from manet.datasets.prepare import SourceDataset, SourceScene, write_dataset
from manet.datasets.sources.town import draw
from manet.errors import DatasetError
from manet.evaluation.contact_sheet import lay_over
from manet.legend import IGNORED, ISPRS
from manet.raster.scene import Scene
from manet.raster.writer import write_classes

Town = tuple[Path, Manifest]


def invoke(*arguments: object) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def dataset(
    out: Path, scenes: dict[Split, tuple[NDArray[Any], NDArray[np.uint8]]], valid: NDArray[np.bool_] | None = None
) -> tuple[Manifest, Inspection]:
    """A dataset with one scene per split."""

    def scene(name: str, image: NDArray[Any], labels: NDArray[np.uint8]) -> SourceScene:
        known = np.ones(labels.shape, bool) if valid is None else valid
        return SourceScene(
            name=name,
            height=labels.shape[0],
            width=labels.shape[1],
            dtype=str(image.dtype),
            crs=None,
            transform=Affine.identity(),
            image=lambda window: (image[:, *window.slices], known[window.slices]),
            labels=lambda window: labels[window.slices],
        )

    found = [scene(split, *content) for split, content in scenes.items()]
    made = SourceDataset(
        name="made",
        legend=ISPRS,
        bands=tuple(f"b{index}" for index in range(next(iter(scenes.values()))[0].shape[0])),
        scenes=found,
        splits={s: (Area(scene=s, row=0, col=0, height=i.shape[1], width=i.shape[2]),) for s, (i, _) in scenes.items()},
        attribution="made for a test",
    )
    manifest = write_dataset(out, made)
    return manifest, inspect(out, manifest)


@pytest.fixture(scope="module")
def towns() -> dict[Split, tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    drawn = {split: draw(320, 384, seed) for seed, split in enumerate(("train", "validation", "test"), 3)}
    return {split: (town.image[:3], town.labels) for split, town in drawn.items()}  # type: ignore[misc]


def test_a_sound_dataset_has_its_shares_counted_and_no_finding(town: Town) -> None:
    folder, manifest = town
    progress = Recorded()
    found = inspect(folder, manifest, progress)
    pixels = sum(s.height * s.width for s in manifest.scenes)
    assert progress.counts[-1] == ("reading pixels", pixels, pixels)
    assert sum(c.pixels for c in found.splits.values()) == pixels
    for split, contents in found.splits.items():
        assert tuple(contents.classes) == manifest.pixels[split]
        assert contents.valid == contents.pixels
        assert contents.ignored == 0
    assert found.gsd_m == pytest.approx((0.13, 0.13), rel=0.01)
    assert found.shared == []
    assert [(a.rows, a.cols) for a in found.alignments] == [(0, 0)]
    assert not any("misaligned" in line or "same ground" in line or "constant" in line for line in found.findings)


@pytest.mark.parametrize(("rows", "cols"), [(4, 0), (0, -5), (-6, 6)])
def test_shifted_labels_are_found_with_their_shift(
    towns: dict[Split, Any], tmp_path: Path, rows: int, cols: int
) -> None:
    image, labels = towns["train"]
    shifted = np.roll(labels, (rows, cols), (0, 1))
    _, found = dataset(tmp_path / "out", towns | {"train": (image, shifted)})
    fits = {fit.scene: fit for fit in found.alignments}
    assert (fits["train"].rows, fits["train"].cols) == (-rows, -cols)
    assert fits["train"].is_off
    assert not fits["validation"].is_off
    assert sum("misaligned" in line for line in found.findings) == 1


def test_labels_that_follow_no_edge_are_not_called_shifted() -> None:
    rng, fit = np.random.default_rng(0), EdgeFit()
    labels = np.kron(rng.integers(0, 3, (12, 12)), np.ones((30, 30))).astype(np.uint8)
    fit.add(rng.integers(0, 255, (3, 360, 360), dtype=np.uint8), np.ones((360, 360), bool), labels)
    best = fit.best("noise")
    assert best is not None
    assert not best.is_off
    assert EdgeFit().best("empty") is None


def test_ground_in_two_splits_is_found_wherever_it_lies(towns: dict[Split, Any], tmp_path: Path) -> None:
    image, labels = (values.copy() for values in towns["test"])
    train_image, train_labels = towns["train"]
    image[:, 50:210, 33:233], labels[50:210, 33:233] = train_image[:, 101:261, 7:207], train_labels[101:261, 7:207]
    _, found = dataset(tmp_path / "out", towns | {"test": (image, labels)})
    (pair,) = found.shared
    assert pair.splits == ("train", "test")
    (_, row, col), (_, other_row, other_col) = pair.places
    assert (other_row - row, other_col - col) == (50 - 101, 33 - 7)
    assert pair.share == pytest.approx(160 * 200 / (320 * 384), abs=0.15)
    assert any("train and test show the same ground" in line for line in found.findings)


def test_plain_ground_is_no_duplicate() -> None:
    rng, prints = np.random.default_rng(0), Fingerprints()
    for split in ("train", "test"):
        plain = np.full((2, 256, 256), 31, np.uint16) + (rng.random((2, 256, 256)) < 0.01)
        prints.add(split, split, 0, 0, plain, np.ones((256, 256), bool))  # type: ignore[arg-type]
    assert prints.shared() == []


def test_dead_and_saturated_bands_nodata_and_missing_classes(towns: dict[Split, Any], tmp_path: Path) -> None:
    valid = np.ones((320, 384), bool)
    valid[:, 220:] = False
    made: dict[Split, Any] = {}
    for split, (image, labels) in towns.items():
        values = np.stack([image[0] * 4.0, np.full(labels.shape, 0.5), np.minimum(image[2], 90)]).astype(np.float32)
        values[:, ~valid] = np.nan
        made[split] = values, np.where(labels == 4, IGNORED, labels).astype(np.uint8)
    _, found = dataset(tmp_path / "out", made, valid)
    text = "\n".join(found.findings)
    assert "band 'b1' is constant, 0.5 everywhere" in text
    assert "band 'b2' has its largest value, 90, in" in text
    assert "b0" not in text
    for split in ("train", "validation", "test"):
        assert f"class 'car' has no pixel in the {split} split" in text
        assert f"43 % of the {split} split is nodata" in text
    assert found.splits["train"].ignored == (towns["train"][1][:, :220] == 4).sum()
    assert found.gsd_m is None


def test_a_dataset_that_is_not_whole_is_refused(towns: dict[Split, Any], tmp_path: Path) -> None:
    manifest, _ = dataset(tmp_path / "out", towns)
    path = tmp_path / "out/labels/test.tif"
    place: dict[str, Any] = {"crs": None, "transform": Affine.identity(), "legend": ISPRS, "overwrite": True}
    with write_classes(path, height=320, width=384, **place) as raster:
        raster.write(np.full((320, 384), 9, np.uint8), Scene(path.parent / "train.tif").window)
    with pytest.raises(DatasetError, match="value 9 .*122880 pixels"):
        inspect(tmp_path / "out", manifest)
    with write_classes(path, height=300, width=384, **place):
        pass
    with pytest.raises(DatasetError, match="300 x 384 .*320 x 384"):
        inspect(tmp_path / "out", manifest)


def test_the_contact_sheet_and_the_tables(town: Town, tmp_path: Path) -> None:
    folder, manifest = town
    output = invoke("check", folder, "--out", tmp_path / "sheet.png")
    for name in (*manifest.legend.names, "validation", "of all: nodata", "0.13 m per pixel", "standard deviations"):
        assert name in output
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > sheet.height > 500
        assert len(np.unique(np.asarray(sheet.convert("RGB")).reshape(-1, 3), axis=0)) > 1000
    with pytest.raises(Exception, match="exists already"):
        invoke("check", folder, "--out", tmp_path / "sheet.png")


def test_overlays_show_classes_and_darken_what_has_no_label() -> None:
    picture, labels = np.full((8, 12, 3), 0.5), np.zeros((8, 12), np.uint8)
    labels[:, 4:8], labels[:, 8:] = 3, IGNORED
    shown = lay_over(picture, labels, ISPRS)
    assert (shown[:, 9:] == 0.35 * 0.5).all()
    assert (shown[:, 4] == (0, 1, 0)).all()  # the outline, in the colour of trees
    assert shown[0, 6] == pytest.approx((0.275, 0.725, 0.275))


def test_info_says_what_a_dataset_and_a_scene_are(town: Town) -> None:
    folder, manifest = town
    output = invoke("info", folder)
    assert output == invoke("info", folder / "manifest.json")
    for text in (
        "prepared dataset",
        "clutter (not in the means)",
        "red, green, blue (uint8)",
        "Mpx labelled",
        "0.13 m",
    ):
        assert text in output
    output = invoke("info", folder / manifest.scenes[0].image)
    for text in ("640 x 320 pixels", "3: red, green, blue (uint8)", "EPSG:32632", "0.13 m a pixel"):
        assert text in output


def test_info_says_what_a_checkpoint_is_and_refuses_the_rest(tmp_path: Path, town: Town) -> None:
    from manet.card import Card
    from manet.networks import build
    from manet.networks.checkpoint import write_checkpoint
    from manet.recipe import NetworkSettings, Recipe

    manifest = town[1]
    card = Card(
        recipe=Recipe(network=NetworkSettings(encoder="resnet10t")),
        dataset="town",
        legend=manifest.legend,
        bands=manifest.bands,
        dtype=manifest.dtype,
        band_mean=manifest.statistics.mean,
        band_std=manifest.statistics.std,
        gsd_m=manifest.gsd_m,
        training_size=64,
        scores={"epoch": 4, "mean_iou": 0.5, "mean_f1": None, "overall_accuracy": 0.75},
        attribution="made for a test",
        version="0",
    )
    write_checkpoint(tmp_path / "best.safetensors", build("manet", encoder="resnet10t"), card)
    output = invoke("info", tmp_path / "best.safetensors")
    for text in ("manet, encoder resnet10t", "town, patches of 64", "5 of 100; mean iou 0.500, overall accuracy 0.750"):
        assert text in output
    (tmp_path / "other").mkdir()
    for path, said in (("other", "neither a prepared dataset nor a run"), ("none.tif", "no image at")):
        with pytest.raises(Exception, match=said):
            invoke("info", tmp_path / path)


def test_every_recipe_is_listed_with_a_line() -> None:
    from manet.recipe import shipped_recipes

    lines = [line for line in invoke("recipes").splitlines() if line.strip()]
    assert [line.split()[0] for line in lines[:-1]] == list(shipped_recipes())
    assert all(len(line.split()) > 4 for line in lines)
