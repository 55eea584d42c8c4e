"""Fixtures that tests share; what they build with is in builders.py."""

import os

# before torch starts: threads that wait for each other cost such small networks more than they give
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MANET_CACHE", "off")  # the user's own stays as it is

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from builders import SHARED, Run, lively
from manet.card import Card
from manet.cli import main
from manet.datasets.manifest import Manifest
from manet.datasets.sources import prepare_source
from manet.legend import ISPRS
from manet.networks import Network, build
from manet.networks.checkpoint import write_checkpoint
from manet.recipe import NetworkSettings, OptimiserSettings, PatchSettings, Recipe, TrainingSettings


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
    np.random.seed(0)


def _never(error: Exception) -> str:
    """In place of the last resort: no command of a test may need it."""
    raise AssertionError("the last resort was needed") from error


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line: (exit status, standard output, standard error)."""
    monkeypatch.setattr("manet.cli.last_resort.keep_traceback", _never)

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["manet", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture
def mirror() -> Path:
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the folder of real imagery beside the repository is absent")
    return folder


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """A small generated town, prepared. Not to be changed."""
    folder = tmp_path_factory.mktemp("town")
    return folder, prepare_source("town", folder, height=640, width=320)


@pytest.fixture
def tiny_recipe() -> Recipe:
    return Recipe(
        network=NetworkSettings(encoder="regnetx_002"),
        patches=PatchSettings(size=64, batch=8),
        optimiser=OptimiserSettings(rate=2e-3, gate_rate=10, warmup=0.2),
        training=TrainingSettings(epochs=2),
    )


@pytest.fixture
def small_manet() -> Network:
    return lively(build("manet", encoder="resnet10t", classes=4))


@pytest.fixture(scope="session")
def network() -> Network:
    torch.manual_seed(0)
    network = lively(build("manet", encoder="resnet10t", classes=6))
    network.set_statistics([128.0] * 3, [74.0] * 3)
    return network


@pytest.fixture(scope="session")
def checkpoint(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "x.safetensors"
    card = Card(
        recipe=Recipe(network=NetworkSettings(encoder="resnet10t")),
        dataset="noise",
        legend=ISPRS,
        bands=("red", "green", "blue"),
        dtype="uint8",
        band_mean=(128.0,) * 3,
        band_std=(74.0,) * 3,
        gsd_m=None,
        training_size=96,
        scores={},
        attribution="none",
        version="0",
    )
    write_checkpoint(path, network, card)
    return path
