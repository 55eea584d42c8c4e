"""`manet evaluate` and `manet compare` as their user meets them: what is written, what is refused, what is kept."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from PIL import Image

from builders import Run, image_like, lively, one_line, write_data
from manet.card import Card
from manet.datasets.manifest import Area
from manet.errors import DatasetError, OptionError
from manet.evaluation.boundary import boundary_tolerance
from manet.evaluation.protocol import Grid
from manet.legend import IGNORED, ISPRS
from manet.networks import build
from manet.networks.checkpoint import write_checkpoint
from manet.recipe import NetworkSettings, Recipe

HEIGHT, WIDTH = 150, 96
AREA = Area(scene="part/a", row=10, col=6, height=133, width=80)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with and one without eroded labels, and a network that was never trained but says many things."""
    torch.manual_seed(0)
    folder, rng = tmp_path_factory.mktemp("evaluation"), np.random.default_rng(0)
    image = image_like(HEIGHT, WIDTH)
    image[:, 40:60, 30:50] = 0
    labels = np.repeat(np.repeat(rng.integers(0, 6, (15, 12)), 10, 0), 8, 1).astype(np.uint8)
    labels[100:110, :40] = IGNORED
    eroded = np.where(rng.random(labels.shape) < 0.3, IGNORED, labels).astype(np.uint8)
    manifest = write_data(folder / "both", {"part/a": (image, labels, eroded)}, [AREA])
    write_data(folder / "full", {"part/a": (image, labels, None)}, [AREA])
    network = lively(build("manet", encoder="resnet10t", classes=6))
    network.set_statistics([128] * 3, [30] * 3)
    card = Card(
        recipe=Recipe(network=NetworkSettings(encoder="resnet10t")),
        dataset="patchwork",
        legend=ISPRS,
        bands=manifest.bands,
        dtype="uint8",
        band_mean=(128, 128, 128),
        band_std=(30, 30, 30),
        gsd_m=0.5,
        training_size=64,
        scores={},
        attribution="made for a test",
        version="0",
    )
    write_checkpoint(folder / "network.safetensors", network, card)
    return folder


def command(folder: Path, out: Path, data: str = "both") -> list[object]:
    settings = ["--window", 64, "--overlap", 16, "--device", "cpu"]
    return ["evaluate", folder / "network.safetensors", "--data", folder / data, "--out", out, *settings]


def test_scores_have_a_place_of_their_own(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a run's checkpoint in its folder, of others here."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    shutil.copy(folder / "network.safetensors", tmp_path / "run/best.safetensors")
    (tmp_path / "run/recipe.json").write_text("{}")
    for model, place in ((tmp_path / "run", "run/test"), (folder / "network.safetensors", "network_full_test")):
        settings = ("--data", folder / "full", "--window", 64, "--overlap", 16, "--device", "cpu")
        status, text, error = run("evaluate", model, *settings)
        assert status == 0, error
        assert (tmp_path / place / "scores.json").is_file() and f"{place}:" in text


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


GRID = {
    f"protocols/{labels}-{classes}-{augmentation}.json"
    for labels in ("full", "eroded")
    for classes in (5, 6)
    for augmentation in ("none", "flips", "d4", "multiscale")
}
PICTURES = {
    f"pictures/{name}" for name in ("area-1.png", "area-1-classes.png", "pictures.json")
}  # one window: none is best and worst
PLAIN = {"scores.json", "scores.csv", "confusion.png", "report.html", "about.json"} | PICTURES
MAPS = {f"errors/part_a_row10_col6.{ending}" for ending in ("tif", "tif.aux.xml", "qml", "png")}


def test_everything_that_can_be_asked_for(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "all"
    status, text, _ = run(*command(folder, out), "--all-protocols", "--boundary-m", 1, "--errors", "--tta", "d4")
    assert status == 0 and "boundaries within 2 pixels (1 m)" in text and "all protocols" in text
    assert files(out) == PLAIN | MAPS | GRID | {"protocols.csv"}
    assert (out / "scores.json").read_text() == (out / "protocols/full-5-d4.json").read_text()
    with (out / "protocols.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 16
    for row in rows:
        name = f"{row['labels']}-{row['foreground']}-{row['augmentation']}"
        found = json.loads((out / f"protocols/{name}.json").read_text())
        assert float(row["mean_iou"]) == found["scores"]["mean_iou"]
        assert (found["boundary"] is None) == (row["labels"] == "eroded")
    with (out / "scores.csv").open() as stream:
        building = list(csv.DictReader(stream))[1]
    found = json.loads((out / "scores.json").read_text())
    assert float(building["boundary_iou"]) == found["boundary"]["classes"]["building"]["iou"]

    with (
        rasterio.open(out / "errors/part_a_row10_col6.tif") as raster,
        rasterio.open(folder / "both/labels/part/a.tif") as labels,
    ):
        errors, truth = raster.read(1), labels.read(1)[10:143, 6:86]
        assert raster.crs == labels.crs and raster.shape == (133, 80) and raster.nodata == IGNORED
        assert raster.xy(0, 0) == labels.xy(10, 6)
    nodata = np.zeros(truth.shape, bool)
    nodata[30:50, 24:44] = True
    np.testing.assert_array_equal(errors == IGNORED, (truth == IGNORED) | nodata)
    counts = np.array(found["confusion"])
    bins = found["calibration"]["bins"]
    assert sum(b["pixels"] for b in bins) == counts.sum()
    right = sum(b["accuracy"] * b["pixels"] for b in bins if b["pixels"])
    assert right == pytest.approx(np.trace(counts))
    assert (errors == 0).sum() == np.trace(counts) and (errors == 1).sum() == counts.sum() - np.trace(counts)
    for picture in (out / "confusion.png", out / "errors/part_a_row10_col6.png"):
        with Image.open(picture) as image:
            assert len(np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)) > 20


def test_earlier_scores_are_kept_unless_asked_and_then_wholly_replaced(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores"
    (out / "errors").mkdir(parents=True)
    (out / "errors/mine.txt").write_text("mine")
    assert run(*command(folder, out), "--all-protocols", "--errors")[0] == 0
    before = {name: (out / name).read_bytes() for name in files(out)}
    status, _, error = run(*command(folder, out))
    assert status == 2 and "exists already" in one_line(error)
    assert {name: (out / name).read_bytes() for name in files(out)} == before
    assert run(*command(folder, out), "--overwrite", "--foreground", 6)[0] == 0
    assert files(out) == PLAIN | {"errors/mine.txt"}
    assert len(json.loads((out / "scores.json").read_text())["protocol"]["foreground"]) == 6


def test_the_grid_covers_what_there_is(run: Run, folder: Path, tmp_path: Path) -> None:
    status, _, _ = run(*command(folder, tmp_path / "out", "full"), "--all-protocols", "--context", "scene", "--halo", 0)
    assert status == 0
    assert files(tmp_path / "out/protocols") == {"full-5-none.json", "full-6-none.json"}


def test_what_cannot_be_scored_is_one_line_and_leaves_nothing(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "there/out"
    for data, options, message in (
        ("full", ["--labels", "eroded"], "no eroded labels of scene 'part/a'; take full labels"),
        ("both", ["--foreground", "4"], "expected legend (5 classes) or all (6 classes)"),
        ("both", ["--tta", "d4", "--context", "scene"], "the augmentation d4 with scene context"),
        ("both", ["--labels", "eroded", "--boundary"], "which leave the boundaries out"),
        ("both", ["--boundary-m", "0.2"], "less than a pixel"),
        ("both", ["--boundary-m", "nan"], "less than a pixel"),
    ):
        status, _, error = run(*command(folder, out, data), *options)
        assert status == 2 and message in one_line(error), error
        assert not out.exists() and not list(tmp_path.rglob("*partial*"))

    def failing(*_: object) -> None:
        raise DatasetError("the disk is gone")

    monkeypatch.setattr("manet.evaluation.report.write_protocols", failing)
    status, _, error = run(*command(folder, out), "--all-protocols", "--errors")
    assert status == 2 and "the disk is gone" in one_line(error)
    assert not out.exists() and not list(tmp_path.rglob("*partial*"))


def test_metres_need_a_ground_sampling_distance(folder: Path) -> None:
    from manet.datasets.manifest import read_manifest

    manifest, grid = read_manifest(folder / "both"), Grid(("full",), ("legend",), ("none",))
    unknown = manifest.model_copy(update={"gsd_m": None})
    assert boundary_tolerance(manifest, 1.25, grid) == 2.5
    assert boundary_tolerance(manifest, None, grid) == boundary_tolerance(unknown, None, grid) == 3
    with pytest.raises(OptionError, match="no ground sampling distance") as raised:
        boundary_tolerance(unknown, 1.25, grid)
    assert raised.value.option == "boundary"


def test_comparing(run: Run, folder: Path, tmp_path: Path) -> None:
    a, b, c = (tmp_path / name for name in "abc")
    assert run(*command(folder, a))[0] == 0
    assert run(*command(folder, b), "--tta", "flips")[0] == 0
    first, second = (json.loads((out / "scores.json").read_text()) for out in (a, b))
    status, _, error = run("compare", a, b)
    assert status == 2 and "augmentation: none and flips" in one_line(error)
    status, text, _ = run("compare", a / "scores.json", b, "--across-protocols")
    assert status == 0 and "warning: " in text and "B - A" in text
    accuracies = [scores["scores"]["overall_accuracy"] for scores in (first, second)]
    row = next(line for line in text.splitlines() if "overall accuracy" in line)
    assert [cell.strip() for cell in row.split("│")[2:5]] == [
        f"{100 * accuracies[0]:.2f}",
        f"{100 * accuracies[1]:.2f}",
        f"{100 * (accuracies[1] - accuracies[0]):+.2f}",
    ]
    assert accuracies[0] != accuracies[1]
    c.mkdir()
    (c / "scores.json").write_text("no scores")
    for files_given, message in (
        ((a,), "give two or more"),
        ((a, c), "not the scores.json"),
        ((a, tmp_path), "read (No"),
    ):
        status, _, error = run("compare", *files_given)
        assert status == 2 and message in one_line(error), error
    status, text, _ = run("compare", a, a, a)
    assert status == 0 and "C - A" in text and "warning" not in text
