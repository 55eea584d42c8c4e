"""The wheel as a user gets it: built, installed into an empty environment, and used."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio

from builders import write_scene

ROOT = Path(__file__).parents[1]


def call(*command: object, **settings: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | settings
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_the_wheel_maps_in_an_empty_environment(tmp_path: Path) -> None:
    call(sys.executable, "-m", "pip", "wheel", ROOT, "--no-deps", "--wheel-dir", tmp_path / "wheels")
    (wheel,) = (tmp_path / "wheels").glob("manet-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "manet/released/banepa.onnx/weights.bin" in names and "manet/py.typed" in names
    assert not [name for name in names if name.startswith(("tests", "docs", "results"))]
    assert wheel.stat().st_size < 60e6
    environment = tmp_path / "environment"
    call(sys.executable, "-m", "venv", environment)
    scripts = environment / ("Scripts" if sys.platform == "win32" else "bin")
    call(scripts / "python", "-m", "pip", "install", wheel, "--constraint", ROOT / "constraints.txt")
    image = np.random.default_rng(0).integers(1, 255, (3, 130, 190), dtype=np.uint8)
    scene, out = write_scene(tmp_path / "scene.tif", image), tmp_path / "map.tif"
    outputs = "--polygons", tmp_path / "p.gpkg", "--areas", tmp_path / "a.csv", "--context", "scene"
    text = call(scripts / "manet", "predict", "--model", "banepa", scene, "--out", out, *outputs, MANET_CACHE="off")
    assert "runs on openvino" in text or "runs on onnxruntime" in text
    with rasterio.open(out) as raster:
        assert raster.shape == (130, 190)
    modules = call(scripts / "python", "-c", "import importlib.util as u; print(u.find_spec('torch'))")
    assert modules.strip() == "None"
