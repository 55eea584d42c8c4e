"""The light installation: everything but training runs where PyTorch and what belongs to it cannot be imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import rasterio

from builders import one_line
from manet.datasets.manifest import Manifest

Town = tuple[Path, Manifest]

BLOCKED = ("torch", "torchvision", "timm", "lightning", "onnx", "onnxruntime")

SITECUSTOMIZE = "import sys; sys.modules.update(dict.fromkeys({}))"
"""Python imports this by itself when it starts."""


class Light:
    """The command line in a process that cannot import what is blocked."""

    def __init__(self, folder: Path, blocked: tuple[str, ...] = BLOCKED) -> None:
        (folder / "sitecustomize.py").write_text(SITECUSTOMIZE.format(repr(blocked)))
        self.environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "manet", *map(str, arguments)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Light:
    return Light(tmp_path_factory.mktemp("light"))


def test_nothing_blocked_can_be_imported(light: Light) -> None:
    done = subprocess.run([sys.executable, "-c", "import torch"], env=light.environment, capture_output=True, text=True)
    assert done.returncode == 1 and "import of torch halted" in done.stderr


@pytest.mark.parametrize("context", ["window", "scene"])
def test_maps_polygons_and_areas(context: str, light: Light, town: Town, tmp_path: Path) -> None:
    scene = town[0] / "images/town.tif"
    out = {name: tmp_path / f"{context}.{name}" for name in ("tif", "gpkg", "csv")}
    preview: tuple[object, ...] = ()
    if context == "window":
        out["png"] = tmp_path / "window.png"
        out["json"] = tmp_path / "item.json"
        preview = "--preview", out["png"], "--stac", out["json"]
    else:  # what draws is only imported for a preview
        light = Light(tmp_path, (*BLOCKED, "matplotlib"))
    status, text, error = light(
        *("predict", "--model", "town", scene, "--out", out["tif"], "--context", context, "--polygons", out["gpkg"]),
        *("--areas", out["csv"], "--probabilities", tmp_path / "shares.tif", "--window", 256),
        *preview,
    )
    assert status == 0, error
    assert "runs on openvino" in text
    with rasterio.open(out["tif"]) as raster, rasterio.open(scene) as source:
        assert raster.shape == source.shape and len(set(raster.read().ravel().tolist())) > 2
    assert all(path.is_file() for path in out.values())


def test_preparing_checking_and_scoring(light: Light, town: Town, tmp_path: Path) -> None:
    for command in (
        ("prepare", "town", "--out", tmp_path / "data"),
        ("check", town[0], "--out", tmp_path / "check.png"),
        ("info", "town"),
        ("models",),
        ("recipes",),
        ("evaluate", "town", "--data", town[0], "--out", tmp_path / "scores", "--window", 256),
        ("report", tmp_path / "scores", "--out", tmp_path / "page.html"),
    ):
        status, _, error = light(*command)
        assert status == 0, (command, error)
    scores = json.loads((tmp_path / "scores/scores.json").read_text())["scores"]
    assert scores["overall_accuracy"] > 0.5


@pytest.mark.parametrize(
    "command",
    [
        ("train", "--data", "x", "--recipe", "paper", "--out", "y"),
        ("export", "town"),
        ("predict", "--model", "town", "x.tif", "--backend", "torch"),
        ("benchmark", "complexity"),
    ],
)
def test_what_needs_torch_says_so(command: tuple[str, ...], light: Light, tmp_path: Path) -> None:
    (tmp_path / "x.tif").write_bytes(b"")
    command = tuple(str(tmp_path / part) if part in ("x", "y", "x.tif") else part for part in command)
    status, _, error = light(*command)
    assert status == 2 and "pip install 'manet[train]'" in one_line(error), error
    assert "Traceback" not in error


def test_the_library_says_so_too(light: Light) -> None:
    code = (
        "import manet\n"
        "try: manet.train\n"
        "except ImportError as error: print(type(error).__name__, error)\n"
        "print(manet.load('town').legend.names[1], manet.list_recipes()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], env=light.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("MissingPackageError") and "pip install 'manet[train]'" in first
    assert second.startswith("building ")
