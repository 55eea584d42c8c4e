"""Scene context against the whole image in one forward pass, and window context beside it: agreement and time.

python benchmarks/scene_context.py SCENE [--encoder resnet18] [--checkpoint FILE] [--side 1536] [--json FILE]

Without a checkpoint the network is not trained: its gates are at 0.5, its batch norm is calibrated on the scene, and
its logits are scaled to a deviation of 2, so that attention matters and probabilities are neither flat nor all 0 and 1.
"""

import argparse
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from torch import nn

from manet.machine import description
from manet.networks import Network, build
from manet.networks.checkpoint import load
from manet.prediction.context import WindowContext, middle_of
from manet.prediction.halo import measure_halo
from manet.prediction.predict import Tiling, to_tensors
from manet.prediction.predictor import AreaPredictor
from manet.prediction.scene_context import HaloTiling, Pair, SceneContext
from manet.raster.scene import Scene
from manet.raster.windows import Window

CPU = torch.device("cpu")
CLASSES = 6
WINDOWS = (512, 768, 1024)
SHIFT = 96
"""Pixels by which the second grid of windows is moved, a multiple of the stride."""


@dataclass(frozen=True)
class ShiftedTiling(HaloTiling):
    """The same windows, moved up and left."""

    shift: int = SHIFT

    def cores(self, area: Window, stride: int) -> list[Pair]:
        moved = Window(area.row - self.shift, area.col - self.shift, area.height + self.shift, area.width + self.shift)
        pairs = [(decided.intersect(area), seen.intersect(area)) for decided, seen in super().cores(moved, stride)]
        return [(decided, seen) for decided, seen in pairs if decided is not None and seen is not None]


def untrained(encoder: str, scene: Scene, area: Window) -> Network:
    """See above. Statistics and batch norm are of patches spread over the area."""
    torch.manual_seed(0)
    network = build("manet", encoder=encoder, bands=scene.bands, classes=CLASSES)
    steps = [(i % 3, i // 3) for i in range(9)]
    corners = [((area.height - 256) * r // 2, (area.width - 256) * c // 2) for r, c in steps]
    patches = [scene.read(Window(area.row + row, area.col + col, 256, 256))[0] for row, col in corners]
    images = torch.from_numpy(np.stack(patches).astype(np.float32))
    network.set_statistics(images.mean((0, 2, 3)).tolist(), images.std((0, 2, 3)).tolist())
    for gate in network.gates():
        nn.init.constant_(gate, 0.5)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)  # some encoders begin with 0, which cuts off what their blocks see
    network.train()
    with torch.no_grad():
        logits = torch.cat([network(images[torch.randperm(9)[:4]]) for _ in range(3)])
        last = [module for module in network.decoder.modules() if isinstance(module, nn.Conv2d)][-1]
        last.weight *= 2 / logits.std()
    return network.to(memory_format=torch.channels_last).eval()


def predicted(predictor: AreaPredictor, scene: Scene, area: Window, classes: int) -> tuple[NDArray[np.float32], float]:
    """Probabilities (classes, height, width) of an area, and the seconds that they took."""
    begin = time.perf_counter()
    out = np.zeros((classes, area.height, area.width), np.float32)
    for piece, probabilities in predictor.probabilities(scene, area):
        out[:, *piece.within(area).slices] = probabilities
    return out, time.perf_counter() - begin


def rows(network: Network, scene: Scene, area: Window, classes: int) -> Iterable[dict[str, object]]:
    image, valid = scene.read(area)
    assert valid.all(), "the area has pixels that are not valid; give another scene"
    begin = time.perf_counter()
    with torch.inference_mode():
        expected = network(*to_tensors(image, valid, CPU)).softmax(dim=1)[0].numpy()
    yield {"what": "whole image", "seconds": time.perf_counter() - begin}
    measured = measure_halo(network, [middle_of(network, scene, area, CPU)])
    assert measured is not None, "the scene is too small to measure a halo on"
    halo = measured[0]
    cases: list[tuple[str, int, AreaPredictor]] = []
    for window in WINDOWS:
        cases.append(("scene context", window, SceneContext(network, HaloTiling(window, halo), CPU)))
        cases.append(
            (f"scene context, shifted by {SHIFT}", window, SceneContext(network, ShiftedTiling(window, halo), CPU))
        )
        cases.append(("window context", window, WindowContext(network, classes, Tiling(window, 2 * halo), CPU)))
    for what, window, predictor in cases:
        found, seconds = predicted(predictor, scene, area, classes)
        yield {
            "what": what,
            "window": window,
            "halo or half the overlap": halo,
            "largest difference of a probability": float(np.abs(found - expected).max()),
            "classes that differ, %": 100 * float((found.argmax(0) != expected.argmax(0)).mean()),
            "seconds": seconds,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scene")
    parser.add_argument("--encoder", default="resnet18")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--side", type=int, default=1536, help="height and width of the area, in the scene's middle")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with Scene(arguments.scene) as scene:
        side = min(arguments.side, scene.height, scene.width) // 32 * 32
        area = scene.window.middle(side, side)
        network = load(arguments.checkpoint) if arguments.checkpoint else untrained(arguments.encoder, scene, area)
        classes = len(network.legend) if network.legend else CLASSES
        found = []
        table = Table("what", "window", "halo", "largest difference", "classes that differ, %", "s")
        for row in rows(network, scene, area, classes):
            found.append(row)
            numbers = list(row.values())
            cells = [str(numbers[0]), *("" for _ in range(4))] if len(numbers) == 2 else [str(n) for n in numbers[:3]]
            if len(numbers) > 2:
                cells += [f"{numbers[3]:.1e}", f"{numbers[4]:.4f}"]
            table.add_row(*cells, f"{row['seconds']:.1f}")
    Console().print(table)
    report = {
        "network": str(arguments.checkpoint or f"manet, {arguments.encoder}, untrained, gates 0.5"),
        "scene": f"{Path(arguments.scene).name}, {side} x {side} pixels in the middle",
        "machine": description(),
        "rows": found,
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
