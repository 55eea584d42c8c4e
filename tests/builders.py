"""What tests build with: networks whose attention matters, scenes, cards, and how the command line is run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
from rasterio.crs import CRS
from rasterio.transform import Affine
from torch import Tensor, nn

from manet.card import Card
from manet.datasets.manifest import Area, BandStatistics, Manifest, SceneEntry
from manet.legend import BUILDINGS, ISPRS, Legend
from manet.model import Model
from manet.networks import Network
from manet.prediction.outputs import Outputs, keep_strips, write_outputs
from manet.prediction.predictor import Predictor
from manet.prediction.resume import Journal
from manet.progress import Progress
from manet.raster.scene import Scene
from manet.recipe import NetworkSettings, Recipe
from manet.runtime.protocol import Runtime
from manet.training import run

Run = Callable[..., tuple[int, str, str]]
"""Runs the command line: (exit status, standard output, standard error). See the fixture `run`."""


class Recorded(Progress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.counts: list[tuple[str, int, int]] = []

    def note(self, line: str) -> None:
        self.lines.append(line)

    def warn(self, line: str) -> None:
        self.lines.append(line)

    def count(self, what: str, done: int, total: int, megapixels: float | None = None) -> None:
        self.counts.append((what, done, total))


SHARED = Path(__file__).parents[2] / "shared"
RGB = ("red", "green", "blue")
HEIGHT, WIDTH = 151, 203
"""Of `picture`."""


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


def brightness(images: Tensor, valid: Tensor | None) -> Tensor:
    """A network that sees one pixel at a time: six classes by brightness."""
    levels = torch.linspace(0, 255, 6).view(1, 6, 1, 1)
    return -((images.mean(dim=1, keepdim=True) - levels) ** 2) / 100


def write_scene(path: Path, image: np.ndarray, nodata: int | None = None) -> Path:
    bands, height, width = image.shape
    profile = {"driver": "GTiff", "count": bands, "height": height, "width": width, "dtype": image.dtype}
    transform = Affine(0.1, 0, 1000, 0, -0.1, 2000)
    with rasterio.open(path, "w", crs=CRS.from_epsg(32632), transform=transform, nodata=nodata, **profile) as dataset:
        dataset.write(image)
    return path


def picture(bands: int) -> np.ndarray:
    """Shares of the largest value, (bands, height, width), from 0.05 to 0.95."""
    row, col = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([0.5 + 0.25 * np.sin(col / 20 + band) + 0.2 * np.cos(row / 15) for band in range(bands)])


def card(bands: tuple[str, ...] = RGB, **changes: Any) -> Card:
    """Of a network that was trained on `picture` at 0.3 m."""
    values = picture(len(bands)) * 255
    fields: dict[str, Any] = {
        "recipe": Recipe(network=NetworkSettings(encoder="regnetx_002")),
        "dataset": "picture",
        "legend": BUILDINGS,
        "bands": bands,
        "dtype": "uint8",
        "band_mean": tuple(values.mean(axis=(1, 2))),
        "band_std": tuple(values.std(axis=(1, 2))),
        "gsd_m": 0.3,
        "training_size": 64,
        "scores": {},
        "attribution": "",
        "version": "0",
    }
    return Card(**(fields | changes))


def write_band(path: Path, values: np.ndarray, nodata: int | None = None) -> None:
    bands = values if values.ndim == 3 else values[None]
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "count": len(bands), "height": bands.shape[1], "width": bands.shape[2]}
    transform = Affine(0.5, 0, 1000, 0, -0.5, 2000)
    with rasterio.open(
        path, "w", dtype=bands.dtype, crs=CRS.from_epsg(32632), transform=transform, nodata=nodata, **profile
    ) as dataset:
        dataset.write(bands)


def write_data(
    folder: Path,
    scenes: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray | None]],
    areas: list[Area],
    legend: Legend = ISPRS,
) -> Manifest:
    """A dataset of test areas: image (nodata 0), labels, eroded labels."""
    entries = []
    for name, (image, labels, eroded) in scenes.items():
        write_band(folder / f"images/{name}.tif", image, nodata=0)
        write_band(folder / f"labels/{name}.tif", labels)
        if eroded is not None:
            write_band(folder / f"eroded/{name}.tif", eroded)
        entries.append(
            SceneEntry(
                name=name,
                image=f"images/{name}.tif",
                labels=f"labels/{name}.tif",
                eroded=None if eroded is None else f"eroded/{name}.tif",
                height=labels.shape[0],
                width=labels.shape[1],
            )
        )
    statistics = BandStatistics(mean=(0, 0, 0), std=(1, 1, 1), minimum=(0, 0, 0), maximum=(1, 1, 1))
    manifest = Manifest(
        dataset="patchwork",
        legend=legend,
        bands=("red", "green", "blue"),
        dtype="uint8",
        gsd_m=0.5,
        scenes=tuple(entries),
        splits={"test": tuple(areas)},
        statistics=statistics,
        pixels={},
        attribution="made for a test",
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return manifest


def image_like(height: int, width: int) -> np.ndarray:
    return (128 + 30 * textured(1, 3, height, width)[0]).clamp(1, 255).numpy().astype(np.uint8)


def one_line(error: str) -> str:
    lines = [line for line in error.splitlines() if line.strip()]
    assert len(lines) == 1, error
    assert lines[0].startswith("error: ")
    return lines[0]


class FunctionRuntime(Runtime):
    """A network that is a function of tensors: images (batch, bands, height, width) and valid to logits."""

    description = kind = version = "a function"
    stride = 32

    def __init__(self, function: Callable[[Tensor, Tensor | None], Tensor]) -> None:
        self.function = function

    @torch.inference_mode()
    def whole(self, images: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
        return self.function(torch.from_numpy(images), None if valid is None else torch.from_numpy(valid)).numpy()

    def _windows_only(self, *_: object) -> Any:
        raise AssertionError("a function has no parts")

    encode = summarise = refine = decode = check_local = _windows_only
    theoretical_halo = bytes_per_pixel = free_memory = _windows_only


def write_map(
    predictor: Predictor, scene: Scene, outputs: Outputs, legend: Legend = ISPRS, **settings: Any
) -> list[int]:
    """Predict a scene with a predictor of the test's own, or resume it; what `done` was called with."""
    outputs.check()
    calls: list[int] = []
    with Journal(outputs.classes, settings) as journal:
        journal.clear_way(outputs.paths, outputs.overwrite)
        journal.begin()
        predicted = predictor.strips(
            scene, scene.window, calls.append, finished=journal.strips.finished, sums=journal.sums
        )
        keep_strips(predicted, outputs.layers(legend), journal)
        journal.mark_complete()
        write_outputs(scene, outputs, legend, journal)
    return calls


def train(data: Path, recipe: Recipe, out: Path, **settings: Any) -> Model:
    """A training run that does not export its network at the end, which takes longer than a tiny training."""
    return run.train(data, recipe, out, graphs=False, **settings)
