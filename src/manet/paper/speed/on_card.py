"""Speed on a card: kernel attention, a network, a training step and a scene, side by side in one run."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from rasterio.transform import Affine
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, scaled_dot_product_attention

from manet import __version__
from manet.attention import KernelAttention, naive, published
from manet.networks import Network, build
from manet.paper.speed.published_network import Published
from manet.prediction.window_context import WindowContext
from manet.prediction.window_size import fitting_batch, spare_memory
from manet.progress import QUIET, Progress
from manet.raster.scene import Scene
from manet.raster.windows import Window
from manet.raster.writer import write_image
from manet.runtime.device import choose_device
from manet.runtime.pytorch import PyTorch

MOST_POSITIONS = 128**2
"""The naive twin compares every pair of positions; with more positions its matrices exceed a card's memory."""

GSD_M = 0.5
"""Ground sampling distance at which a scene's megapixels are counted in square kilometres."""

Ways = Mapping[str, Callable[[], object]]


@dataclass(frozen=True)
class CardSizes:
    """What is measured."""

    attention: tuple[tuple[int, int, int], ...] = (
        (8, 256, 128),
        (2, 256, 256),
        (1, 256, 512),
        (8, 512, 64),
        (8, 1024, 64),
        (8, 2048, 64),
    )
    """Batch, channels, and height and width."""
    encoder: str = "resnet50"
    batch: int = 8
    image: int = 512
    scene: int = 6000
    rounds: int = 9


class CardTiming(BaseModel):
    """A way of a case, measured."""

    model_config = ConfigDict(frozen=True)

    case: str
    way: str
    seconds: float
    """Of the median round."""
    of_roof: float | None
    """The time that the nearer roof would take, bandwidth or products, as a share of the seconds; None: not counted."""
    peak_mb: float | None
    """Memory that torch holds at the peak, 10^6 bytes; None on a CPU, or where a way failed to run."""
    says: str = ""
    """What else is to be known."""


class CardReport(BaseModel):
    """Timings, and what they were taken on."""

    model_config = ConfigDict(frozen=True)

    version: str
    device: str
    bandwidth: float
    """10^9 bytes per second that a copy reads and writes."""
    gflops: dict[str, float]
    """10^9 floating-point operations per second in a matrix product, by number type."""
    rows: tuple[CardTiming, ...]


def measure_on_card(
    device_name: str = "cuda",
    sizes: CardSizes = CardSizes(),
    progress: Progress = QUIET,
) -> CardReport:
    """Time everything on a device, against the published formulation in eager float32.

    Args:
        device_name: cuda; cpu measures too, without what only a card has.
        sizes: What is measured.
        progress: Is told of every case.

    Raises:
        NetworkError: There is no such device.
    """
    device = choose_device(device_name)
    torch.manual_seed(0)
    bandwidth, gflops = _roofs(device)
    rows: list[CardTiming] = []
    for dtype in (torch.bfloat16, torch.float32):
        for batch, channels, side in sizes.attention:
            case = f"kernel attention, {_name(dtype)}, {batch} x {channels} x {side} x {side}"
            progress.note(case)
            roof = _roof(batch, channels, side**2, dtype, bandwidth, gflops[_name(dtype)])
            rows += _timings(case, _attention(batch, channels, side, dtype, device), device, sizes.rounds, roof)
    for case, ways in _networks(sizes, device):
        progress.note(case)
        rows += _timings(case, ways, device, sizes.rounds, None)
    progress.note("scene")
    rows.append(_scene(sizes, device))
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return CardReport(version=__version__, device=name, bandwidth=bandwidth, gflops=gflops, rows=tuple(rows))


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _roofs(device: torch.device) -> tuple[float, dict[str, float]]:
    cuda = device.type == "cuda"
    source = torch.ones((1 << 30 if cuda else 1 << 25) // 4, device=device)
    target = torch.empty_like(source)
    bandwidth = 2 * source.nbytes / _seconds(lambda: target.copy_(source), device, 5)[0] / 1e9
    gflops, side = {}, 8192 if cuda else 512
    for dtype in (torch.bfloat16, torch.float32):
        a = torch.randn(side, side, device=device, dtype=dtype)
        gflops[_name(dtype)] = 2 * side**3 / _seconds(lambda a=a: a @ a, device, 5)[0] / 1e9
    return bandwidth, gflops


def _roof(batch: int, channels: int, positions: int, dtype: torch.dtype, bandwidth: float, gflops: float) -> float:
    """Seconds: the features are read twice and written once, or four products with an eighth of the channels."""
    moved = 3 * batch * channels * positions * dtype.itemsize
    keys = channels // 8
    products = batch * (4 * channels * keys * positions + channels**2 * keys)
    return max(moved / bandwidth, 2 * products / gflops) / 1e9


def _attention(batch: int, channels: int, side: int, dtype: torch.dtype, device: torch.device) -> Ways:
    module = KernelAttention(channels, gate=0.7).to(device, dtype).eval().requires_grad_(False)
    last = torch.randn(batch, channels, side, side, device=device, dtype=dtype)
    features = last.clone()
    last = last.contiguous(memory_format=torch.channels_last)
    theirs = lambda: published.kernel_attention(module, features)  # noqa: E731

    def dot_product() -> Tensor:
        q, k, v = (f(last).flatten(2).transpose(1, 2) for f in (module.query, module.key, module.value))
        return last + module.gate * scaled_dot_product_attention(q, k, v, scale=1.0).transpose(1, 2).view_as(last)

    ways: dict[str, Callable[[], object]] = {"published, eager": theirs, "manet": lambda: module(last)}
    if device.type == "cuda":
        compiled = torch.compile(published.kernel_attention)
        ways["published, compiled"] = lambda: compiled(module, features)
    if side**2 <= MOST_POSITIONS:
        ways["naive twin, one image"] = lambda: naive.kernel_attention(module, features[:1])
    ways["scaled_dot_product_attention"] = dot_product
    return ways


def _networks(sizes: CardSizes, device: torch.device) -> Iterator[tuple[str, Ways]]:
    """The network and its training step: published in float32, ours in channels last and bfloat16."""
    network = build("manet", encoder=sizes.encoder, bands=3, classes=6).to(device).eval()
    for gate in network.gates():
        nn.init.constant_(gate, 0.5)
    images = torch.randn(sizes.batch, 3, sizes.image, sizes.image, device=device)
    last = images.contiguous(memory_format=torch.channels_last)
    theirs, ours = Published(network), network.to(memory_format=torch.channels_last)
    labels = torch.zeros(sizes.batch, sizes.image, sizes.image, dtype=torch.long, device=device)
    size = f"{sizes.batch} x {sizes.image} x {sizes.image}"

    def forward(model: nn.Module, x: Tensor, low: bool) -> Callable[[], object]:
        def once() -> Tensor:
            with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=low):
                return model(x)

        return once

    yield (
        f"network, {size}",
        {"published, eager": forward(theirs, images, False), "manet, bfloat16": forward(ours, last, True)},
    )

    def step(model: nn.Module, x: Tensor, low: bool) -> Callable[[], object]:
        optimiser = torch.optim.Adam(model.parameters(), lr=0.0, fused=low)

        def once() -> None:
            model.train()
            with torch.autocast(device.type, torch.bfloat16, enabled=low):
                loss = cross_entropy(model(x).float(), labels)
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()

        return once

    yield (
        f"training step, {size}",
        {"published, eager": step(theirs, images, False), "manet, bfloat16": step(ours, last, True)},
    )


def _scene(sizes: CardSizes, device: torch.device) -> CardTiming:
    """A scene of noise from a file to class indices, windows of 512 pixels; and how much of it the network takes."""
    network: Network = build("manet", encoder=sizes.encoder, bands=3, classes=6).to(device).eval()
    network.set_statistics([128.0] * 3, [74.0] * 3)
    side, window = sizes.scene, min(512, sizes.scene)
    with TemporaryDirectory(prefix="manet-speed-") as folder:
        path = Path(folder) / "scene.tif"
        transform = Affine.scale(GSD_M, -GSD_M)
        with write_image(
            path, height=side, width=side, band_names=["red", "green", "blue"], dtype="uint8", crs=None,
            transform=transform,
        ) as raster:  # fmt: skip
            noise = np.random.default_rng(0).integers(0, 256, (3, side, side), dtype=np.uint8)
            raster.write(noise, Window(0, 0, side, side))
        runtime = PyTorch(network)
        per_pixel = runtime.bytes_per_pixel() if device.type == "cuda" else None
        batch = fitting_batch(per_pixel, window, spare_memory(runtime, 0))
        predictor = WindowContext(runtime, 6, window, window // 8, batch=batch)
        image = np.repeat(noise[None, :, :window, :window].astype(np.float32), batch, axis=0)
        alone, _ = _seconds(lambda: runtime.whole(image), device, 3)
        with Scene(path) as scene:
            begin = time.perf_counter()
            predictor.whole(scene, scene.window)
            seconds = time.perf_counter() - begin
            share = alone / batch * predictor.steps(scene.window) / seconds
    megapixels = side**2 / 1e6
    says = (
        f"{megapixels / seconds:.1f} megapixels a second, {megapixels * GSD_M**2 * 3600 / seconds:.0f} km2 an hour at "
        f"{GSD_M} m; the network takes {100 * share:.0f} % of the time"
    )
    return CardTiming(
        case=f"scene, {side} x {side}", way="manet", seconds=seconds, of_roof=None, peak_mb=None, says=says
    )


def _timings(case: str, ways: Ways, device: torch.device, rounds: int, roof: float | None) -> Iterator[CardTiming]:
    for way, run in ways.items():
        try:
            seconds, peak = _seconds(run, device, rounds)
        except torch.OutOfMemoryError:
            yield CardTiming(case=case, way=way, seconds=float("inf"), of_roof=None, peak_mb=None, says="out of memory")
            continue
        of_roof = roof / seconds if roof is not None and "one image" not in way else None
        yield CardTiming(case=case, way=way, seconds=seconds, of_roof=of_roof, peak_mb=peak)


def _seconds(run: Callable[[], object], device: torch.device, rounds: int) -> tuple[float, float | None]:
    """The median time of a run, and the peak of memory, 10^6 bytes; None on a CPU."""
    cuda = device.type == "cuda"
    run()
    if cuda:
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        run()
        if cuda:
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - begin)
    return sorted(times)[rounds // 2], torch.cuda.max_memory_allocated(device) / 1e6 if cuda else None
