"""What is timed: the kernel attention, a network, a training step and a scene."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from manet.allocator import keep_freed
from manet.attention import KernelAttention
from manet.attention.kernel import published
from manet.networks import Network
from manet.networks.checkpoint import load
from manet.paper.complexity.counting import count_products
from manet.paper.speed.interleave import Case, Way, equal_classes, relative_difference
from manet.paper.speed.isolated import Own
from manet.paper.speed.published import Published
from manet.prediction.context import AreaPredictor, HaloTiling, SceneContext, WindowContext
from manet.prediction.map import Rasters, write_map
from manet.prediction.predict import Tiling, to_tensors
from manet.prediction.resume import Journal
from manet.raster.scene import Scene

REFERENCE, OURS = "published, torch", "manet, torch"
SAME, DIFFERENCE = "equal classes", "relative difference"
CPU = torch.device("cpu")


def kernel_cases(channels: list[int], strides: tuple[int, ...], sizes: list[int]) -> Iterator[Case]:
    """Kernel attention alone at the levels of images of these sizes, forward; and with backward at the first size."""
    for index, size in enumerate(sizes):
        for c, stride in zip(channels, strides, strict=True):
            module = KernelAttention(c).eval()
            torch.nn.init.constant_(module.gate, 0.7)
            side = max(size // stride, 1)
            features = torch.randn(1, c, side, side)
            last = features.contiguous(memory_format=torch.channels_last)
            name = f"kernel attention, {c} x {side} x {side}"

            def forward(run: Callable[[Tensor], Tensor], x: Tensor) -> Callable[[], Tensor]:
                def once() -> Tensor:
                    with torch.no_grad():
                        return run(x)

                return once

            theirs = lambda x, module=module: published(module, x)  # noqa: E731
            yield Case(
                f"{name}, forward",
                {REFERENCE: Way(forward(theirs, features)), OURS: Way(forward(module, last))},
                relative_difference,
                DIFFERENCE,
                2 * count_products(module, features.shape),
            )
            if index == 0:
                yield Case(
                    f"{name}, forward and backward",
                    {
                        REFERENCE: Way(_gradient(theirs, module, features)),
                        OURS: Way(_gradient(module, module, last)),
                    },
                    relative_difference,
                    DIFFERENCE,
                )


def network_case(network: Network, exported: Mapping[str, Any], images: Tensor) -> Case:
    """A network on images (batch, bands, height, width). exported: by name."""
    theirs, last = Published(network), images.contiguous(memory_format=torch.channels_last)

    def way(run: Callable[[Tensor], Tensor], x: Tensor) -> Callable[[], Tensor]:
        def once() -> Tensor:
            with torch.inference_mode():
                return run(x)

        return once

    ways = {REFERENCE: Way(way(theirs, images)), OURS: Way(way(network, last))}
    for name, other in exported.items():
        ways[name] = Way(way(other, images), other.computes_in, in_torch=False)
    height, width = images.shape[2:]
    flops = 2 * count_products(network, images.shape)
    return Case(f"network, {images.shape[0]} x {height} x {width}", ways, equal_classes, SAME, flops)


def step_case(checkpoint: Path, images: Tensor, own: Own) -> Case:
    """A training step: forward, loss, backward, Adam, each way in a process of its own. What is compared is the loss.

    The published one is as any program has it; ours as `manet train` is: freed memory is kept, Adam fused.
    """
    height, width = images.shape[2:]
    ways = {
        REFERENCE: Way(own(partial(_published_step, checkpoint, images)), warm_up=True, in_torch=False),
        OURS: Way(own(partial(_own_step, checkpoint, images)), warm_up=True, in_torch=False),
    }
    name = f"training step, {images.shape[0]} x {height} x {width}"
    return Case(name, ways, relative_difference, "relative difference of the loss")


def _published_step(checkpoint: Path, images: Tensor) -> Callable[[], Tensor]:
    return _step(Published(load(checkpoint)), images)


def _own_step(checkpoint: Path, images: Tensor) -> Callable[[], Tensor]:
    keep_freed()
    return _step(load(checkpoint), images.contiguous(memory_format=torch.channels_last), fused=True)


def _step(model: torch.nn.Module, images: Tensor, fused: bool | None = None) -> Callable[[], Tensor]:
    labels = torch.zeros(images.shape[0], *images.shape[2:], dtype=torch.long)
    labels[:, ::2] = 1
    optimiser = torch.optim.Adam(model.train().parameters(), lr=0.0, fused=fused)  # so that every turn is the same

    def once() -> Tensor:
        loss = cross_entropy(model(images), labels)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        return loss.detach()

    return once


def scene_case(network: Network, exported: Mapping[str, Any], path: Path, classes: int, window: int) -> Case:
    """A scene from file to class indices in windows, with reading and blending."""

    def way(run: Callable[[Tensor, Tensor | None], Tensor]) -> Callable[[], Tensor]:
        def once() -> Tensor:
            with Scene(str(path)) as scene:
                predictor = WindowContext(run, classes, Tiling(window, window // 8), CPU)
                return torch.from_numpy(predictor.predict_whole(scene, scene.window))

        return once

    ways = {
        REFERENCE: Way(way(Published(network)), in_torch=False),
        OURS: Way(way(network), in_torch=False),
    }
    for name, other in exported.items():
        ways[name] = Way(way(other), other.computes_in, in_torch=False)
    with Scene(str(path)) as scene:
        name = f"scene, {scene.height} x {scene.width}, windows of {window}"
    return Case(name, ways, equal_classes, SAME)


def context_case(network: Network, path: Path, window: int, halo: int) -> Case:
    """A scene from file to file in both contexts, against the network alone on the same windows, held in memory."""
    assert network.card is not None
    legend, tiling = network.card.legend, Tiling(window, 2 * halo)
    ways = {
        "window": WindowContext(network, len(legend), tiling, CPU),
        "scene": SceneContext(network, HaloTiling(window, halo), CPU),
    }
    with Scene(str(path)) as scene:
        height, width = scene.height, scene.width
        seen = [(part, to_tensors(*scene.read(part), CPU)[0]) for part in tiling.windows(scene.window)]

    def alone() -> Tensor:
        found = torch.zeros(height, width, dtype=torch.uint8)
        with torch.inference_mode():
            for part, images in seen:
                found[part.slices] = network(images)[0].argmax(0).byte()
        return found

    def mapped(predictor: AreaPredictor) -> Callable[[], Tensor]:
        def once() -> Tensor:
            out = path.with_name("map.tif")
            with Scene(str(path)) as scene, Journal(out, {}) as journal:
                write_map(predictor, scene, Rasters(out), legend, journal, overwrite=True)
            with Scene(str(out)) as raster:
                return torch.from_numpy(raster.read(raster.window)[0][0])

        return once

    return Case(
        f"scene from file to file, {height} x {width}, windows of {window}, overlap {2 * halo}",
        {"the network alone": Way(alone, in_torch=False)}
        | {f"{context} context": Way(mapped(predictor), in_torch=False) for context, predictor in ways.items()},
        equal_classes,
        SAME,
    )


def _gradient(run: Callable[[Tensor], Tensor], module: torch.nn.Module, x: Tensor) -> Callable[[], Tensor]:
    x = x.clone().requires_grad_()

    def once() -> Tensor:
        inputs = [x, *module.parameters()]
        (gradient, *_) = torch.autograd.grad(run(x).square().sum(), inputs)
        return gradient

    return once
