"""What is timed: a network, trained or not, and an image, real or noise, as the files that the cases read."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rasterio.transform import Affine
from torch import nn

from manet import __version__
from manet.card import Card, read_card
from manet.datasets.manifest import read_manifest
from manet.errors import NetworkError
from manet.export.parity import imagery
from manet.legend import ISPRS
from manet.networks import Network, build
from manet.networks.checkpoint import read_checkpoint, write_checkpoint
from manet.paper.speed.report import SpeedSettings
from manet.raster.scene import Scene
from manet.raster.windows import Window
from manet.raster.writer import write_image
from manet.recipe import NetworkSettings, Recipe

GATE = 0.5
"""Gates of an untrained network, so that attention counts."""


@dataclass(frozen=True)
class Subject:
    """A network and an image."""

    checkpoint: Path
    network: Network
    card: Card
    image: NDArray[np.float32]
    """(bands, height, width)"""
    scene: Path
    """The image as a GeoTIFF."""
    network_words: str
    image_words: str


def make_subject(settings: SpeedSettings, checkpoint: Path | None, data: Path | None, folder: Path) -> Subject:
    """Write the network and the image into a folder.

    Args:
        settings: Sizes, and the encoder of an untrained network.
        checkpoint: Checkpoint of a MANet; None for an untrained network with calibrated batch norm.
        data: A prepared dataset, from which the image is taken; None for noise like imagery.
        folder: Where the files are written.

    Raises:
        NetworkError: The checkpoint is of another network, or sizes are no multiples of its stride.
    """
    file, scene = folder / "network.safetensors", folder / "scene.tif"
    card = untrained_card(settings.encoder) if checkpoint is None else read_card(checkpoint)
    image, image_words = _image(card, data, settings.scene_size)
    if checkpoint is None:
        write_checkpoint(file, _untrained(card, image), card)
        how = f"untrained, batch norm calibrated, gates {GATE}"
    else:
        shutil.copy(checkpoint, file)
        how = f"trained on {card.dataset}"
    network, _ = read_checkpoint(file)
    _check(network, card, settings, image)
    _write(scene, image, card)
    words = f"{card.recipe.network.name}, {card.recipe.network.encoder}, {how}"
    return Subject(file, network, card, image, scene, words, image_words)


def untrained_card(encoder: str) -> Card:
    """The card of an untrained network for 8-bit imagery."""
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


def _untrained(card: Card, image: NDArray[np.float32]) -> Network:
    network = build("manet", encoder=card.recipe.network.encoder, bands=len(card.bands), classes=len(card.legend))
    network.set_statistics(card.band_mean, card.band_std)
    for gate in network.gates():
        nn.init.constant_(gate, GATE)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)  # some encoders start with 0, which would leave out their blocks
            module.momentum = None  # the mean of all that it is shown
    images = torch.from_numpy(image[None, :, :512, :512].copy())
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(images)
    return network.eval()


def _image(card: Card, data: Path | None, size: int) -> tuple[NDArray[np.float32], str]:
    """Imagery (bands, height, width) of at most this size, and what it is."""
    if data is None:
        return imagery(card, size, size)[0].clip(0, 255), "noise like imagery"
    manifest = read_manifest(data)
    split = "test" if manifest.splits.get("test") else "validation"
    area = max(manifest.splits[split], key=lambda area: area.window.height * area.window.width)
    height, width = (min(size, length) // 32 * 32 for length in (area.window.height, area.window.width))
    with Scene(data / manifest.scene(area.scene).image) as scene:
        image, _ = scene.read(area.window.middle(height, width))
    return image.astype(np.float32), f"{manifest.dataset}, {split} split"


def _check(network: Network, card: Card, settings: SpeedSettings, image: NDArray[np.float32]) -> None:
    if card.recipe.network.name != "manet":
        raise NetworkError(f"got a checkpoint of {card.recipe.network.name}; the published formulation is of manet")
    sizes = (settings.size, settings.step_size)
    if any(size % network.stride or size > min(image.shape[1:]) for size in sizes):
        raise NetworkError(
            f"got images of {' and '.join(map(str, sizes))} pixels; expected multiples of {network.stride}, "
            f"no larger than the scene of {image.shape[1]} x {image.shape[2]}"
        )


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
