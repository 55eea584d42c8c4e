"""The whole measurement: a network prepared and exported, then every case in turns."""

import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from rasterio.transform import Affine
from torch import nn

from manet import __version__
from manet.card import Card, read_card
from manet.datasets.manifest import read_manifest
from manet.errors import ExportError, NetworkError
from manet.export.backends import FORMAT_OF, beside
from manet.export.parity import imagery
from manet.export.write import export
from manet.legend import ISPRS
from manet.networks import Network, build
from manet.networks import checkpoint as checkpoints
from manet.paper.speed.cases import context_case, kernel_cases, network_case, scene_case, step_case
from manet.paper.speed.interleave import Case, Row, measure
from manet.paper.speed.isolated import Own, processes
from manet.paper.speed.machine import Machine, describe
from manet.raster.scene import Scene
from manet.raster.windows import Window
from manet.raster.writer import write_image
from manet.recipe import NetworkSettings, Recipe
from manet.runtime.export_card import Precision
from manet.runtime.exported import PACKAGES, ExportedNetwork, load

GATE = 0.5
"""Of an untrained network's attention, so that it counts."""

HALO = 64
"""Of the scene that is mapped from file to file, whose windows overlap by twice as much with window context."""

KERNEL_SIZES = (512, 256, 1024, 2048)
"""Heights and widths of the images at whose levels the kernel attention is timed."""


Only = Literal["attention", "network", "step", "scene", "contexts"]


class Settings(BaseModel):
    """What is measured."""

    model_config = ConfigDict(frozen=True)

    encoder: str = "resnet50"
    """Of an untrained network; a checkpoint has its own."""
    size: int = 512
    """Height and width of the image that a network sees."""
    step_size: int = 256
    """Height and width of the images of a training step, four a batch."""
    scene_size: int = 1024
    only: Only | None = None
    """The one kind of case that is measured; None: all."""
    rounds: int = 9
    budget_s: float = 30.0
    """Of a case; three rounds are taken in any case."""


class Report(BaseModel):
    """Timings, and what they were taken of and on."""

    model_config = ConfigDict(frozen=True)

    version: str
    settings: Settings
    network: str
    imagery: str
    machine: Machine
    rows: tuple[Row, ...]


def run(
    settings: Settings,
    checkpoint: Path | None,
    data: Path | None,
    say: Callable[[str], None] = lambda line: None,
) -> Report:
    """checkpoint: of a MANet; without one, an untrained network of `settings.encoder`, its batch norm calibrated.
    data: a prepared dataset, whose test areas are predicted; without one, noise like imagery.

    int8 is measured where both are given. Raises NetworkError for networks other than MANet and sizes that are no
    multiples of its stride.
    """
    torch.manual_seed(0)
    with TemporaryDirectory(prefix="manet-speed-") as temporary:
        folder = Path(temporary)
        file = folder / "network.safetensors"
        if checkpoint is None:
            card = card_of(settings.encoder)
            image, of_what = _image(card, data, settings.scene_size)
            checkpoints.save(file, _untrained(card, image), card)
        else:
            card = read_card(checkpoint)
            shutil.copy(checkpoint, file)
            image, of_what = _image(card, data, settings.scene_size)
        network = checkpoints.load(file)
        _check(network, card, settings, image)
        ways = settings.only in (None, "network", "scene")
        exported = _exported(file, data if checkpoint else None, say) if ways else {}
        scene = folder / "scene.tif"
        _write(scene, image, card)
        machine, rows = describe(), []
        with processes() as own:
            for case in _cases(settings, file, network, exported, image, scene, own):
                say(case.name)
                rows += measure(case, settings.rounds, settings.budget_s, machine.gflops)
    return Report(
        version=__version__,
        settings=settings,
        network=f"{card.recipe.network.name}, {card.recipe.network.encoder}, "
        + (f"trained on {card.dataset}" if checkpoint else f"untrained, batch norm calibrated, gates {GATE}"),
        imagery=of_what,
        machine=machine,
        rows=tuple(rows),
    )


def _cases(
    settings: Settings,
    file: Path,
    network: Network,
    exported: dict[str, ExportedNetwork],
    image: NDArray[np.float32],
    scene: Path,
    own: Own,
) -> Iterator[Case]:
    assert network.card is not None

    def asked(kind: Only) -> bool:
        return settings.only in (None, kind)

    if asked("attention"):
        yield from kernel_cases(network.encoder.channels, network.encoder.strides, list(KERNEL_SIZES))
    if asked("network"):
        images = torch.from_numpy(image[None, :, : settings.size, : settings.size].copy())
        yield network_case(network, exported, images)
    if asked("step"):
        side = settings.step_size
        corners = [(row, col) for row in (0, image.shape[1] - side) for col in (0, image.shape[2] - side)]
        patches = np.stack([image[:, row : row + side, col : col + side] for row, col in corners])
        yield step_case(file, torch.from_numpy(patches), own)
    if asked("scene"):
        yield scene_case(network, exported, scene, len(network.card.legend), settings.size)
    if asked("contexts"):
        yield context_case(network, scene, settings.size, HALO)


def _exported(file: Path, data: Path | None, say: Callable[[str], None]) -> dict[str, ExportedNetwork]:
    """Every backend and precision that this machine has, by name."""
    precisions: tuple[Precision, ...] = ("fp32", "bf16", "int8")
    exported = {}
    for backend, to in FORMAT_OF.items():
        for precision in precisions:
            absent = any(find_spec(package) is None for package in (PACKAGES[to], *_needs(precision)))
            if absent or (precision == "int8" and data is None) or (to == "onnx" and precision == "bf16"):
                continue
            say(f"exporting: {backend}, {precision}")
            out = beside(file, to, precision)
            try:
                export(file, out, to, precision, data=data)
            except ExportError as error:
                say(f"left out: {error}")
                continue
            exported[f"{backend}, {precision}"] = load(out)
    return exported


def _needs(precision: Precision) -> tuple[str, ...]:
    return ("onnx", "onnxruntime") if precision == "int8" else ()


def _check(network: Network, card: Card, settings: Settings, image: NDArray[np.float32]) -> None:
    if card.recipe.network.name != "manet":
        raise NetworkError(f"got a checkpoint of {card.recipe.network.name}; the published twin is one of manet")
    sizes = (settings.size, settings.step_size)
    if any(size % network.stride or size > min(image.shape[1:]) for size in sizes):
        raise NetworkError(
            f"got images of {' and '.join(map(str, sizes))} pixels; expected multiples of {network.stride}, "
            f"no larger than the scene of {image.shape[1]} x {image.shape[2]}"
        )


def _untrained(card: Card, image: NDArray[np.float32]) -> Network:
    network = build("manet", encoder=card.recipe.network.encoder, bands=len(card.bands), classes=len(card.legend))
    network.set_statistics(card.band_mean, card.band_std)
    for gate in network.gates():
        nn.init.constant_(gate, GATE)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)  # some encoders begin with 0, which would leave out their blocks
            module.momentum = None  # the mean of what it is shown
    images = torch.from_numpy(image[None, :, :512, :512].copy())
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(images)
    return network.eval()


def card_of(encoder: str) -> Card:
    """Of an untrained network."""
    return Card(
        recipe=Recipe(network=NetworkSettings(encoder=encoder)),
        dataset="nothing",
        legend=ISPRS,
        bands=("red", "green", "blue"),
        dtype="uint8",
        band_mean=(110.0, 110.0, 110.0),
        band_std=(50.0, 50.0, 50.0),
        gsd_m=None,
        training_size=512,
        scores={},
        attribution="none",
        version=__version__,
    )


def _image(card: Card, data: Path | None, size: int) -> tuple[NDArray[np.float32], str]:
    """Imagery (bands, height, width) of at most this size, and what it is."""
    if data is None:
        return imagery(card, size, size)[0].clamp(0, 255).numpy(), "noise like imagery"
    manifest = read_manifest(data)
    split = "test" if manifest.splits.get("test") else "validation"
    area = max(manifest.splits[split], key=lambda area: area.window.height * area.window.width)
    window = area.window
    height, width = (min(size, length) // 32 * 32 for length in (window.height, window.width))
    with Scene(data / manifest.scene(area.scene).image) as scene:
        image, _ = scene.read(window.middle(height, width))
    return image.astype(np.float32), f"{manifest.dataset}, {split} split"


def _write(path: Path, image: NDArray[np.float32], card: Card) -> None:
    height, width = image.shape[1:]
    with write_image(
        path,
        height=height,
        width=width,
        band_names=list(card.bands),
        dtype="float32",
        crs=None,
        transform=Affine.scale(0.5, -0.5),
    ) as raster:
        raster.write(image, Window(0, 0, height, width))
