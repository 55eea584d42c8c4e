"""Scene context compared with the whole image in one forward pass, and with window context: agreement and time.

python results/measure_scene_context.py SCENE [--encoder resnet18] [--checkpoint FILE] [--side 1536] [--json FILE]

Without a checkpoint the network is not trained: its gates are at 0.5, its batch norm is calibrated on the scene, and
its logits are scaled to a deviation of 2, so that attention matters and probabilities are neither flat nor all 0 and 1.
"""

import argparse
import json
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from torch import nn

from manet.networks import Network, build
from manet.networks.checkpoint import read_checkpoint
from manet.paper.bench_machine import machine_line
from manet.prediction.halo import measure_halo, middle_of
from manet.prediction.predictor import Predictor
from manet.prediction.scene_context import Core, SceneContext
from manet.prediction.window_context import WindowContext, to_batch
from manet.raster.scene import Scene
from manet.raster.windows import Window
from manet.runtime.pytorch import PyTorch

CLASSES = 6
WINDOWS = (512, 768, 1024)
SHIFT = 96
"""Pixels by which the second grid of windows is moved, a multiple of the stride."""


class ShiftedSceneContext(SceneContext):
    """The same windows, moved up and left by SHIFT pixels."""

    def cores(self, region: Window) -> list[Core]:
        moved = Window(region.row - SHIFT, region.col - SHIFT, region.height + SHIFT, region.width + SHIFT)
        pairs = [(core.decided.intersect(region), core.seen.intersect(region)) for core in super().cores(moved)]
        return [Core(decided, seen) for decided, seen in pairs if decided is not None and seen is not None]


def untrained(encoder: str, scene: Scene, region: Window) -> Network:
    """An untrained network as described above, with the statistics of patches spread over the region."""
    torch.manual_seed(0)
    network = build("manet", encoder=encoder, bands=scene.bands, classes=CLASSES)
    steps = [(i % 3, i // 3) for i in range(9)]
    corners = [((region.height - 256) * r // 2, (region.width - 256) * c // 2) for r, c in steps]
    patches = [scene.read(Window(region.row + row, region.col + col, 256, 256))[0] for row, col in corners]
    images = torch.from_numpy(np.stack(patches).astype(np.float32))
    network.set_statistics(images.mean((0, 2, 3)).tolist(), images.std((0, 2, 3)).tolist())
    for gate in network.gates():
        nn.init.constant_(gate, 0.5)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)  # some encoders start with 0, which would leave out their blocks
    network.train()
    with torch.no_grad():
        logits = torch.cat([network(images[torch.randperm(9)[:4]]) for _ in range(3)])
        last = [module for module in network.decoder.modules() if isinstance(module, nn.Conv2d)][-1]
        last.weight *= 2 / logits.std()
    return network.to(memory_format=torch.channels_last).eval()


def predicted(predictor: Predictor, scene: Scene, region: Window, classes: int) -> tuple[NDArray[np.float32], float]:
    """Probabilities (classes, height, width) of an region, and the seconds that they took."""
    begin = time.perf_counter()
    out = np.zeros((classes, region.height, region.width), np.float32)
    for _, window, probabilities, _ in predictor.strips(scene, region):
        out[:, *window.within(region).slices] = probabilities
    return out, time.perf_counter() - begin


def rows(network: Network, scene: Scene, region: Window, classes: int) -> Iterable[dict[str, object]]:
    """One row per way to predict the region: how it differs from the whole image in one pass, and its time."""
    image, valid = scene.read(region)
    assert valid.all(), "the region has pixels that are not valid; give another scene"
    runtime = PyTorch(network)
    begin = time.perf_counter()
    expected = torch.from_numpy(runtime.whole(*to_batch(image, valid))).softmax(dim=1)[0].numpy()
    yield {"what": "whole image", "seconds": time.perf_counter() - begin}
    measured = measure_halo(runtime, [middle_of(runtime, scene, region)])
    assert measured is not None, "the scene is too small to measure a halo on"
    halo = measured[0]
    cases: list[tuple[str, int, Predictor]] = []
    for window in WINDOWS:
        cases.append(("scene context", window, SceneContext(runtime, classes, window, halo)))
        shifted = ShiftedSceneContext(runtime, classes, window, halo)
        cases.append((f"scene context, shifted by {SHIFT}", window, shifted))
        cases.append(("window context", window, WindowContext(runtime, classes, window, 2 * halo)))
    for what, window, predictor in cases:
        found, seconds = predicted(predictor, scene, region, classes)
        yield {
            "what": what,
            "window": window,
            "halo or half the overlap": halo,
            "largest difference of a probability": float(np.abs(found - expected).max()),
            "classes that differ, %": 100 * float((found.argmax(0) != expected.argmax(0)).mean()),
            "seconds": seconds,
        }


def main() -> None:
    """Measure, print a table, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scene")
    parser.add_argument("--encoder", default="resnet18")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--side", type=int, default=1536, help="height and width of the region, in the scene's middle")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with Scene(arguments.scene) as scene:
        side = min(arguments.side, scene.height, scene.width) // 32 * 32
        region = scene.window.middle(side, side)
        if arguments.checkpoint:
            network, card = read_checkpoint(arguments.checkpoint)
            classes = len(card.legend)
        else:
            network, classes = untrained(arguments.encoder, scene, region), CLASSES
        found = []
        table = Table("what", "window", "halo", "largest difference", "classes that differ, %", "s")
        for row in rows(network, scene, region, classes):
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
        "machine": machine_line(),
        "rows": found,
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
