"""The command line as its user meets it: help at once, whole runs, one clear line for every mistake."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio

from builders import Run, one_line, train
from manet.card import read_card
from manet.datasets.manifest import Manifest
from manet.networks.checkpoint import read_checkpoint, write_checkpoint
from manet.runtime.export_card import is_export_of
from manet.runtime.pytorch import PyTorch
from pages import self_contained

Town = tuple[Path, Manifest]


@pytest.fixture(scope="module")
def checkpoint(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from manet.recipe import NetworkSettings, PatchSettings, Recipe, TrainingSettings

    recipe = Recipe(
        network=NetworkSettings(encoder="regnetx_002"),
        patches=PatchSettings(size=64, batch=8),
        training=TrainingSettings(epochs=1),
    )
    return train(town[0], recipe, tmp_path_factory.mktemp("run") / "run", device="cpu").path


@pytest.mark.skipif(sys.platform == "win32", reason="processor time is read with the resource module")
def test_help_answers_at_once() -> None:
    """In processor time, which other tests at the same time do not lengthen; alone it is the time on the clock."""
    import resource

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    command = [Path(sys.executable).with_name("manet"), "--help"]
    times = []
    for _ in range(4):
        begin = spent()
        subprocess.run(command, check=True, capture_output=True)
        times.append(spent() - begin)
    assert min(times) < 0.5, times


def test_the_command_line_loads_nothing_heavy() -> None:
    heavy = "torch", "rasterio", "lightning", "matplotlib", "pydantic"
    code = f"import sys, manet.cli; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"


def test_prepare_train_evaluate_predict(run: Run, tmp_path: Path) -> None:
    """The golden run: from nothing to scores and a map, by the commands alone."""
    data, out = tmp_path / "town", tmp_path / "run"
    recipe = tmp_path / "tiny.toml"
    recipe.write_text('[network]\nencoder = "regnetx_002"\n[patches]\nsize = 128\nbatch = 4\n[training]\nepochs = 1\n')
    status, text, _ = run("prepare", "town", "--out", data)
    assert status == 0 and "clutter" in text
    status, text, _ = run("train", "--data", data, "--recipe", recipe, "--out", out, "--device", "cpu")
    assert status == 0 and "best epoch 1" in text
    assert read_card(out / "best.safetensors").halo in range(32, 385, 32)
    assert is_export_of(out / "best.onnx", out / "best.safetensors")
    item = json.loads((out / "best.onnx/item.json").read_text())
    assert item["id"] == "run" and {"whole", "encode", "weights", "checkpoint"} <= set(item["assets"])
    assert all((out / "best.onnx" / asset["href"]).is_file() for asset in item["assets"].values())
    page = self_contained((out / "report.html").read_text())
    assert all(words in page.text for words in ("Training loss", "Validation: Scores", "Validation: Calibration"))
    assert (out / "validation/pictures/area-1.png").is_file()
    status, text, _ = run(
        "evaluate", out / "best.safetensors", "--data", data, "--out", tmp_path / "s", "--device", "cpu"
    )
    assert status == 0 and "overall accuracy" in text
    self_contained((tmp_path / "s/report.html").read_text())
    scores = json.loads((tmp_path / "s/scores.json").read_text())
    counts = np.array(scores["confusion"])
    assert counts.sum() == 1024 * 1536
    assert scores["scores"]["overall_accuracy"] == pytest.approx(np.trace(counts) / counts.sum())
    assert scores["protocol"]["split"] == "test" and scores["protocol"]["window"] == 512
    scene = data / "images/town.tif"
    status, _, _ = run("predict", out / "best.safetensors", scene, "--out", tmp_path / "map.tif", "--device", "cpu")
    assert status == 0
    with rasterio.open(tmp_path / "map.tif") as raster, rasterio.open(scene) as source:
        assert raster.shape == source.shape and raster.transform == source.transform
        assert set(np.unique(raster.read())) <= set(range(6))


def test_the_halo_is_a_choice(run: Run, checkpoint: Path, town: Town, tmp_path: Path) -> None:
    scene, trained = town[0] / "images/town.tif", tmp_path / "trained.safetensors"
    network, card = read_checkpoint(checkpoint)
    assert card.halo is None
    write_checkpoint(trained, network, card.model_copy(update={"halo": 96}))
    for number, (given, halo, found) in enumerate(
        (
            (checkpoint, None, r"halo: (\d+) pixels, measured on [^\n]+\n[^\n]+, halo of \1\n"),
            (trained, None, "halo of 96\n"),
            (trained, "measured", r"halo: (\d+) pixels, measured on [^\n]+\n[^\n]+, halo of \1\n"),
            (trained, "64", "halo of 64\n"),
            (trained, "theoretical", f"halo of {PyTorch(network).theoretical_halo()}\n"),
        )
    ):
        options = ["--context", "scene", "--device", "cpu", *(["--halo", halo] if halo else [])]
        status, text, _ = run("predict", given, scene, "--out", tmp_path / f"{number}.tif", *options)
        assert status == 0 and re.search(found, text), text
    wrong = "--context", "scene", "--halo", "wide"
    status, _, error = run("predict", trained, scene, "--out", tmp_path / "x.tif", *wrong)
    assert status == 2 and "got a halo of 'wide'" in one_line(error)


def test_scenes_that_cannot_be_mapped(run: Run, checkpoint: Path, town: Town, tmp_path: Path) -> None:
    scene, out = town[0] / "images/town.tif", tmp_path / "out/map.tif"
    truncated, text = tmp_path / "truncated.tif", tmp_path / "text.tif"
    truncated.write_bytes(scene.read_bytes()[:200_000])
    text.write_text("no image")
    (tmp_path / "empty").mkdir()
    with rasterio.open(scene) as source:
        profile = source.profile | {"count": 1, "photometric": "minisblack"}
        with rasterio.open(tmp_path / "grey.tif", "w", **profile) as grey:
            grey.write(source.read(1), 1)
    for path, message in (
        (tmp_path / "nowhere.tif", "no image at"),
        (text, "cannot be read as an image"),
        (truncated, "truncated"),
        (tmp_path / "empty", "no image in"),
        (tmp_path / "grey.tif", "has 1 band, the checkpoint expects 3"),
    ):
        status, _, error = run("predict", checkpoint, path, "--out", out, "--device", "cpu")
        assert status == 2 and message in one_line(error), error
        assert not out.parent.exists() or not list(out.parent.iterdir())


def test_outputs_that_cannot_be_written(run: Run, checkpoint: Path, town: Town, tmp_path: Path) -> None:
    scene = town[0] / "images/town.tif"
    (tmp_path / "there.tif").write_text("mine")
    status, _, error = run("predict", checkpoint, scene, "--out", tmp_path / "there.tif")
    assert status == 2 and "exists already" in one_line(error)
    assert (tmp_path / "there.tif").read_text() == "mine"
    status, _, error = run("predict", checkpoint, scene, "--out", tmp_path / "there.tif/map.tif")
    assert status == 2 and "cannot be written to" in one_line(error)
    for command in (
        ("train", "--data", town[0], "--recipe", "paper", "--out", tmp_path / "there.tif/run"),
        ("evaluate", checkpoint, "--data", town[0], "--out", tmp_path / "there.tif/scores"),
        ("prepare", "town", "--out", tmp_path / "there.tif/town"),
    ):
        status, _, error = run(*command)
        assert status == 2 and "cannot be written to" in one_line(error)


def test_checkpoints_recipes_and_data_that_are_wrong(run: Run, checkpoint: Path, town: Town, tmp_path: Path) -> None:
    scene, out = town[0] / "images/town.tif", tmp_path / "out"
    corrupt = tmp_path / "corrupt.safetensors"
    corrupt.write_bytes(checkpoint.read_bytes()[:5000])
    other, card = read_checkpoint(checkpoint)
    renamed = card.legend.classes[0].model_copy(update={"name": "asphalt"})
    legend = card.legend.model_copy(update={"classes": (renamed, *card.legend.classes[1:])})
    write_checkpoint(tmp_path / "other.safetensors", other, card.model_copy(update={"legend": legend}))
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[network]\nname = "manett"\nencoder = "resnet10t"\n')
    wrong_key = tmp_path / "key.toml"
    wrong_key.write_text("[training]\nepoch = 3\n")
    overlapping = tmp_path / "overlapping"
    shutil.copytree(town[0], overlapping)
    manifest = json.loads((overlapping / "manifest.json").read_text())
    manifest["splits"]["test"][0]["row"] -= 10
    (overlapping / "manifest.json").write_text(json.dumps(manifest))
    untrained = tmp_path / "untrained"
    shutil.copytree(town[0], untrained)
    del manifest["splits"]["train"]
    manifest["splits"]["test"][0]["row"] += 10
    (untrained / "manifest.json").write_text(json.dumps(manifest))
    for command, message in (
        (("predict", corrupt, scene, "--out", out / "map.tif"), "is corrupt"),
        (("predict", tmp_path / "no.safetensors", scene, "--out", out / "map.tif"), "no checkpoint at"),
        (("evaluate", tmp_path / "other.safetensors", "--data", town[0], "--out", out), "the checkpoint knows asphalt"),
        (("evaluate", checkpoint, "--data", untrained, "--out", out, "--split", "train"), "no train split"),
        (("evaluate", checkpoint, "--data", tmp_path, "--out", out), "no manifest.json"),
        (("evaluate", checkpoint, "--data", overlapping, "--out", out), "overlap"),
        (("train", "--data", town[0], "--recipe", recipe, "--out", out), "no network 'manett'"),
        (("train", "--data", town[0], "--recipe", wrong_key, "--out", out), "unknown key 'training.epoch'"),
        (("train", "--data", town[0], "--recipe", "papers", "--out", out), "no recipe 'papers'"),
        (("train", "--data", overlapping, "--recipe", "paper", "--out", out), "overlap"),
        (("train", "--data", town[0], "--recipe", "paper", "--out", out, "--choose-on", "test"), "test split"),
        (("prepare", "banepa", "--source", tmp_path, "--out", out), "no data/sample/train"),
        (("fetch", "banepah", "--out", out), "no dataset 'banepah'"),
    ):
        status, _, error = run(*command)
        assert status == 2 and message in one_line(error), (command, error)
        assert not out.exists(), command
