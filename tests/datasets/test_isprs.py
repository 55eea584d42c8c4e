"""Vaihingen and Potsdam, from the archives that ISPRS sends to the one form of a dataset."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, jaccard_score
from typer.testing import CliRunner

import publishers
from builders import Recorded
from manet.cli import app
from manet.datasets.manifest import Manifest
from manet.datasets.sources import prepare_source
from manet.datasets.sources.isprs import potsdam, vaihingen
from manet.datasets.sources.isprs.heights import STEP_M
from manet.evaluation.metrics import confusion
from manet.evaluation.scoring import Evaluation
from manet.legend import IGNORED
from manet.raster.scene import Scene

Prepared = tuple[Path, Manifest, list[str]]
TO_CLASSES = np.array([0, 1, 2, 3, 4, 5, IGNORED], np.uint8)


def read(folder: Path, path: str | None) -> NDArray[np.generic]:
    assert path is not None
    with Scene(folder / path) as scene:
        return scene.read(scene.window)[0]


@pytest.fixture(scope="module")
def vaihingen_dataset(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder, progress = tmp_path_factory.mktemp("vaihingen"), Recorded()
    publishers.write(folder / "source" / "some where", publishers.vaihingen_archives())
    manifest = prepare_source("vaihingen", folder / "out", folder / "source", progress=progress, height=True)
    assert sorted(p.name for p in folder.iterdir()) == ["out", "source"]  # nothing unpacked is left
    return folder / "out", manifest, progress.lines


@pytest.fixture(scope="module")
def potsdam_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publishers.write(tmp_path_factory.mktemp("potsdam"), publishers.potsdam_archives(nested=True))


@pytest.fixture(scope="module")
def potsdam_dataset(potsdam_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    out, progress = tmp_path_factory.mktemp("prepared") / "out", Recorded()
    return out, prepare_source("potsdam", out, potsdam_source, progress=progress), progress.lines


def test_vaihingen_is_what_the_archives_hold(vaihingen_dataset: Prepared) -> None:
    folder, manifest, told = vaihingen_dataset
    assert manifest.dataset == "vaihingen"
    assert manifest.bands == ("near infrared", "red", "green", "height")
    assert manifest.gsd_m == pytest.approx(0.09, rel=1e-3)
    assert {s: len(areas) for s, areas in manifest.splits.items()} == {"train": 15, "validation": 1, "test": 17}
    assert manifest.splits["validation"][0].scene == "area30"
    assert any("more than once" in line and "16" in line for line in told)
    pixels = {split: np.zeros(6, int) for split in manifest.splits}
    for split, areas in manifest.splits.items():
        for area in areas:
            entry, part = manifest.scene(area.scene), publishers.vaihingen_cut(int(area.scene.removeprefix("area")))
            assert (area.height, area.width) == (entry.height, entry.width) == part.classes.shape
            image = read(folder, entry.image)
            assert (image[:3] == part.image[[3, 0, 1]]).all()
            assert (read(folder, entry.labels)[0] == part.classes).all()
            assert (read(folder, entry.eroded)[0] == TO_CLASSES[part.eroded]).all()
            pixels[split] += np.bincount(part.classes.ravel(), minlength=6)
    assert {split: list(counts) for split, counts in manifest.pixels.items()} == {s: list(n) for s, n in pixels.items()}
    with rasterio.open(folder / "images/area7.tif") as dataset:
        assert dataset.crs.to_epsg() == 32632
        assert dataset.transform == rasterio.Affine(0.09, 0, 496_007, 0, -0.09, 5_420_000)


def test_surface_heights_are_steps_above_the_ground(vaihingen_dataset: Prepared) -> None:
    folder, manifest, _ = vaihingen_dataset
    for name in ("area1", "area38"):
        heights = publishers.vaihingen_cut(int(name.removeprefix("area"))).heights
        band = read(folder, manifest.scene(name).image)[3]
        expected = ((heights - np.percentile(heights, 0.1)) / STEP_M).round().clip(0, 255)
        assert heights.max() > 3
        assert abs(band - expected).max() <= 1  # the ground is taken from a sample


def test_eroded_labels_are_the_full_ones_but_for_boundaries(vaihingen_dataset: Prepared) -> None:
    folder, manifest, _ = vaihingen_dataset
    entry = manifest.scene("area1")
    full, eroded = read(folder, entry.labels)[0].astype(np.uint8), read(folder, entry.eroded)[0].astype(np.uint8)
    assert 0.05 < (eroded == IGNORED).mean() < 0.95
    counts = confusion(eroded, full, 6)
    assert counts.sum() == np.trace(counts) == (eroded != IGNORED).sum()


def test_the_papers_lists_leave_no_scene_over() -> None:
    areas = [area for split in vaihingen.AREAS.values() for area in split]
    assert len(areas) == len(set(areas)) == 33
    assert [list(potsdam.SCENES.values()).count(s) for s in ("train", "validation", "test")] == [22, 1, 14]
    assert potsdam.WRONG not in potsdam.SCENES


def test_potsdam_from_archives_in_an_archive(potsdam_dataset: Prepared) -> None:
    folder, manifest, told = potsdam_dataset
    assert (manifest.dataset, manifest.bands) == ("potsdam", ("red", "green", "blue"))
    assert manifest.gsd_m == pytest.approx(0.05, rel=1e-3)
    assert any("7_10 is left out" in line and "wrong" in line for line in told)
    for entry in manifest.scenes:
        part = publishers.potsdam_cut(entry.name)
        assert (read(folder, entry.image) == part.image[:3]).all()
        assert (read(folder, entry.labels)[0] == part.classes).all(), entry.name
        assert (read(folder, entry.eroded)[0] == TO_CLASSES[part.eroded]).all(), entry.name
    with rasterio.open(folder / "images/7_13.tif") as dataset:
        assert dataset.crs.to_epsg() == 32633
        assert dataset.transform == publishers.potsdam_world("7_13")


def test_off_colours_of_two_potsdam_labels_are_rounded_and_told(potsdam_dataset: Prepared) -> None:
    _, _, told = potsdam_dataset
    rounded = [line for line in told if "rounded to 0 or 255" in line]
    cars = int((publishers.potsdam_cut("6_7").classes == 4).sum() + (publishers.potsdam_cut("6_7").eroded == 4).sum())
    assert any(line.startswith("scene '4_12'") for line in rounded)
    assert any(line.startswith("scene '6_7'") and f"{cars} labels" in line for line in rounded) == (cars > 0)


@pytest.mark.parametrize(
    ("bands", "height", "names", "order"),
    [
        ("irrg", None, ("near infrared", "red", "green"), [3, 0, 1]),
        ("rgbir", "ndsm", ("red", "green", "blue", "near infrared", "height"), [0, 1, 2, 3]),
        ("rgb", "dsm", ("red", "green", "blue", "height"), [0, 1, 2]),
    ],
)
def test_potsdam_bands_and_heights(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bands: potsdam.Composite,
    height: potsdam.HeightKind | None,
    names: tuple[str, ...],
    order: list[int],
) -> None:
    """On unpacked folders of four scenes, of which 3_13 has heights that lack a column."""
    few = {"2_11": "train", "3_13": "test", "2_10": "validation"}
    monkeypatch.setattr(potsdam, "SCENES", few)
    for name, members in publishers.potsdam_folders().items():
        publishers.write(tmp_path / "source" / name, members)
    out, settings = tmp_path / "out", {"bands": bands, "height": height, "keep_7_10": True}
    manifest = prepare_source("potsdam", out, tmp_path / "source", **settings)
    assert manifest.bands == names
    assert sorted(scene.name for scene in manifest.scenes) == sorted([*few, "7_10"])
    assert "7_10" in {area.scene for area in manifest.splits["train"]}
    for entry in manifest.scenes:
        part, image = publishers.potsdam_cut(entry.name), read(tmp_path / "out", entry.image)
        assert (image[: len(order)] == part.image[order]).all()
        if height:
            band, expected = image[-1].astype(int), part.heights * (10 if height == "ndsm" else 1 / STEP_M)
            width = 79 if entry.name == "3_13" else 80
            assert abs(band - expected.clip(0, 255))[:, :width].mean() < 3  # JPEG, and a ground above the lowest
            assert (band[:, width:] == band[:, width - 1 : width]).all()


def test_from_archives_to_tables(vaihingen_dataset: Prepared, tmp_path: Path) -> None:
    """Train on what was prepared for a few steps, score under every protocol, and compare with the paper."""
    folder, manifest, _ = vaihingen_dataset
    recipe, run, out = tmp_path / "recipe.toml", tmp_path / "run", tmp_path / "scores"
    recipe.write_text(
        '[network]\nencoder = "resnet10t"\n[patches]\nsize = 64\nbatch = 8\n[training]\nepochs = 1\n', encoding="utf-8"
    )

    def invoke(*arguments: object) -> str:
        result = CliRunner().invoke(app, [*map(str, arguments), "--device", "cpu"], env={"COLUMNS": "200"})
        assert result.exit_code == 0, result.output
        return result.output

    invoke("train", "--data", folder, "--recipe", recipe, "--out", run, "--no-graphs")
    table = invoke("evaluate", run / "best.safetensors", "--data", folder, "--out", out, "--all-protocols")
    assert "vaihingen, test split" in table and "impervious surfaces" in table
    entries = [manifest.scene(area.scene) for area in manifest.splits["test"]]
    for augmentation in ("none", "flips", "d4", "multiscale"):
        maps = tmp_path / augmentation
        images = [folder / entry.image for entry in entries]
        invoke("predict", run / "best.safetensors", *images, "--out", maps, "--tta", augmentation)
        predictions = np.concatenate([read(maps, f"{Path(entry.image).stem}.tif").ravel() for entry in entries])
        for version in ("full", "eroded"):
            files = [entry.labels if version == "full" else entry.eroded for entry in entries]
            labels = np.concatenate([read(folder, file).ravel() for file in files])
            counted = labels != IGNORED
            for count in (5, 6):
                found = Evaluation.model_validate_json(
                    (out / f"protocols/{version}-{count}-{augmentation}.json").read_text(encoding="utf-8")
                )
                pair, names = (labels[counted], predictions[counted]), range(count)
                assert found.scores.overall_accuracy == pytest.approx(accuracy_score(*pair))
                f1 = f1_score(*pair, labels=names, average="macro", zero_division=0)
                assert found.scores.mean_f1 == pytest.approx(f1)
                iou = jaccard_score(*pair, labels=names, average="macro", zero_division=0)
                assert found.scores.mean_iou == pytest.approx(iou)

    experiment = tmp_path / "experiment"
    invoke("benchmark", "paper", folder, "--out", experiment, "--recipe", recipe, "--networks", "fcn,manet")
    page = (experiment / "tables.md").read_text(encoding="utf-8")
    assert all(f"## Table {number}. " in page for number in ("I", "III", "V", "VI", "VII"))
    assert "|  | printed | - | 93.02 | 95.47 | 84.64 | 89.98 | 88.94 | 90.41 | 90.96 | 83.40 (82.71) |" in page
