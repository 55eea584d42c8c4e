"""What tests share."""

import os

# before torch starts: threads that wait for each other cost such small networks more than they give
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from manet.commands import main
from manet.datasets import generated
from manet.datasets.manifest import Manifest
from manet.models import Network, build
from manet.recipe import NetworkSettings, OptimiserSettings, PatchSettings, Recipe, TrainingSettings

Run = Callable[..., tuple[int, str, str]]

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
    np.random.seed(0)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line: (exit status, standard output, standard error)."""

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
    return folder, generated.prepare(None, folder, False, lambda line: None, height=640, width=320)


@pytest.fixture
def tiny_recipe() -> Recipe:
    return Recipe(
        network=NetworkSettings(encoder="regnetx_002"),
        patches=PatchSettings(size=64, batch=8),
        optimiser=OptimiserSettings(rate=2e-3, gate_rate=10, warmup=0.2),
        training=TrainingSettings(epochs=2),
    )


def lively(network: Network, gate: float = 0.7) -> Network:
    """A network whose attention matters: gates open, batch norm calibrated on textured images, logits that spread.
    Equality means nothing while the gates are near 0 or the logits all alike."""
    for parameter in network.gates():
        nn.init.constant_(parameter, gate)
    for name, parameter in network.named_parameters():
        if name.endswith("value.weight"):
            parameter.data *= 4  # what is attended to weighs as much as what is there
    network.train()
    with torch.no_grad():
        for _ in range(3):
            logits = network(textured(2, network.bands, 96, 128))
        last = [module for module in network.decoder.modules() if isinstance(module, nn.Conv2d)][-1]
        last.weight *= 2 / logits.std()
    return network.eval()


def textured(batch: int, bands: int, height: int, width: int) -> torch.Tensor:
    """Images with structure at several scales."""
    image = torch.zeros(batch, bands, height, width)
    for size in (3, 9, 27):
        coarse = torch.randn(batch, bands, size, size)
        image += nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    return image + 0.3 * torch.randn(batch, bands, height, width)


@pytest.fixture
def small_manet() -> Network:
    return lively(build("manet", encoder="resnet10t", classes=4))


def one_line(error: str) -> str:
    lines = [line for line in error.splitlines() if line.strip()]
    assert len(lines) == 1, error
    assert lines[0].startswith("error: ")
    return lines[0]
