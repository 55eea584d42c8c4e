"""The cases: kernel attention, a network, a training step and a scene, each in several ways."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from manet.attention import KernelAttention, published
from manet.legend import Legend
from manet.machine import keep_freed
from manet.networks import Network
from manet.networks.checkpoint import read_checkpoint
from manet.paper.complexity.counting import count_products
from manet.paper.speed.interleave import Case, Way, equal_classes, relative_difference
from manet.paper.speed.isolated import Isolate
from manet.paper.speed.published_network import Published, PublishedRuntime
from manet.prediction.outputs import Outputs, keep_strips, write_outputs
from manet.prediction.predictor import Predictor
from manet.prediction.resume import Journal
from manet.prediction.scene_context import SceneContext
from manet.prediction.window_context import WindowContext, to_batch
from manet.raster.scene import Scene
from manet.runtime.graphs import Graphs
from manet.runtime.protocol import Runtime
from manet.runtime.pytorch import PyTorch

REFERENCE, OURS = "published, torch", "manet, torch"
SAME, DIFFERENCE = "equal classes", "relative difference"


def kernel_cases(channels: list[int], strides: tuple[int, ...], sizes: list[int]) -> Iterator[Case]:
    """Kernel attention at the levels of images of some sizes, forward; at the first size also with backward.

    Args:
        channels: Channels of each level.
        strides: Stride of each level.
        sizes: Heights and widths of the images, pixels.
    """
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

            theirs = lambda x, module=module: published.kernel_attention(module, x)  # noqa: E731
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


def network_case(network: Network, exported: Mapping[str, Graphs], images: Tensor) -> Case:
    """A network on some images.

    Args:
        network: A MANet.
        exported: The network in other runtimes, by name.
        images: (batch, bands, height, width).
    """
    theirs, last = Published(network), images.contiguous(memory_format=torch.channels_last)

    def way(run: Callable[[Tensor], Tensor], x: Tensor) -> Callable[[], Tensor]:
        def once() -> Tensor:
            with torch.inference_mode():
                return run(x)

        return once

    ways = {REFERENCE: Way(way(theirs, images)), OURS: Way(way(network, last))}
    for name, other in exported.items():
        run = lambda x, other=other: torch.from_numpy(other.whole(x.numpy()))  # noqa: E731
        ways[name] = Way(way(run, images), other.computes_in, in_torch=False)
    height, width = images.shape[2:]
    flops = 2 * count_products(network, images.shape)
    return Case(f"network, {images.shape[0]} x {height} x {width}", ways, equal_classes, SAME, flops)


def step_case(checkpoint: Path, images: Tensor, isolate: Isolate) -> Case:
    """A training step: forward, loss, backward and Adam, each way in a process of its own. The losses are compared.

    The published way runs as in any program; ours runs as training does: freed memory is kept, and Adam is fused.
    """
    height, width = images.shape[2:]
    ways = {
        REFERENCE: Way(isolate(partial(_published_step, checkpoint, images)), warm_up=True, in_torch=False),
        OURS: Way(isolate(partial(_own_step, checkpoint, images)), warm_up=True, in_torch=False),
    }
    name = f"training step, {images.shape[0]} x {height} x {width}"
    return Case(name, ways, relative_difference, "relative difference of the loss")


def _published_step(checkpoint: Path, images: Tensor) -> Callable[[], Tensor]:
    return _step(Published(read_checkpoint(checkpoint)[0]), images)


def _own_step(checkpoint: Path, images: Tensor) -> Callable[[], Tensor]:
    keep_freed()
    return _step(read_checkpoint(checkpoint)[0], images.contiguous(memory_format=torch.channels_last), fused=True)


def _step(model: torch.nn.Module, images: Tensor, fused: bool | None = None) -> Callable[[], Tensor]:
    labels = torch.zeros(images.shape[0], *images.shape[2:], dtype=torch.long)
    labels[:, ::2] = 1
    optimiser = torch.optim.Adam(model.train().parameters(), lr=0.0, fused=fused)  # a rate of 0: turns are equal

    def once() -> Tensor:
        loss = cross_entropy(model(images), labels)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        return loss.detach()

    return once


def scene_case(network: Network, exported: Mapping[str, Graphs], path: Path, classes: int, window: int) -> Case:
    """A scene from a file to class indices, window by window, with reading and blending."""

    def way(runtime: Runtime) -> Callable[[], Tensor]:
        def once() -> Tensor:
            with Scene(str(path)) as scene:
                predictor = WindowContext(runtime, classes, window, window // 8)
                return torch.from_numpy(predictor.whole(scene, scene.window))

        return once

    ways = {
        REFERENCE: Way(way(PublishedRuntime(network)), in_torch=False),
        OURS: Way(way(PyTorch(network)), in_torch=False),
    }
    for name, other in exported.items():
        ways[name] = Way(way(other), other.computes_in, in_torch=False)
    with Scene(str(path)) as scene:
        name = f"scene, {scene.height} x {scene.width}, windows of {window}"
    return Case(name, ways, equal_classes, SAME)


def context_case(network: Network, legend: Legend, path: Path, window: int, halo: int) -> Case:
    """A scene from file to file in both contexts, against only the network on the same windows, held in memory."""
    windows = WindowContext(PyTorch(network), len(legend), window, 2 * halo)
    ways: dict[str, Predictor] = {
        "window": windows,
        "scene": SceneContext(PyTorch(network), len(legend), window, halo),
    }
    with Scene(str(path)) as scene:
        height, width = scene.height, scene.width
        seen = [(w, torch.from_numpy(to_batch(*scene.read(w))[0])) for w in windows.windows(scene.window)]

    def network_only() -> Tensor:
        found = torch.zeros(height, width, dtype=torch.uint8)
        with torch.inference_mode():
            for seen_window, images in seen:
                found[seen_window.slices] = network(images)[0].argmax(0).byte()
        return found

    def mapped(predictor: Predictor) -> Callable[[], Tensor]:
        def once() -> Tensor:
            out = path.with_name("map.tif")
            outputs = Outputs(out, overwrite=True)
            with Scene(str(path)) as scene, Journal(out, {}) as journal:
                journal.begin()
                keep_strips(predictor.strips(scene, scene.window), outputs.layers(legend), journal)
                write_outputs(scene, outputs, legend, journal)
            with Scene(str(out)) as raster:
                return torch.from_numpy(raster.read(raster.window)[0][0])

        return once

    return Case(
        f"scene from file to file, {height} x {width}, windows of {window}, overlap {2 * halo}",
        {"the network alone": Way(network_only, in_torch=False)}
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
