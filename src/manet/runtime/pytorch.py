"""Networks computed by PyTorch, on a CPU or an accelerator."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from manet.machine import available
from manet.networks import Network
from manet.runtime.protocol import Features, Floats, Place, Runtime, Summary, Valid

SIDE = 256
"""Height and width of the images that memory is measured with, pixels."""


class PyTorch(Runtime):
    """A network in evaluation mode, on the device where its parameters are. Predicting leaves it as it was."""

    def __init__(self, network: Network, digest: str = "") -> None:
        self.network, self.digest = network, digest
        self.stride, self.device_name = network.stride, network.band_mean.device.type
        self.fields = network.summary_fields

    @property
    def device(self) -> torch.device:
        return self.network.band_mean.device

    @property
    def description(self) -> str:
        return f"torch, float32, {self.device}"

    @property
    def kind(self) -> str:
        return "torch"

    @property
    def version(self) -> str:
        return f"torch {torch.__version__}"

    @torch.inference_mode()
    def whole(self, images: Floats, valid: Valid | None = None) -> Floats:
        return _array(self.network(self._tensor(images), self._tensor(valid)))

    @torch.inference_mode()
    def encode(self, images: Floats, valid: Valid | None = None) -> Features:
        return self.network.encode(self._tensor(images), self._tensor(valid))

    @torch.inference_mode()
    def summarise(self, features: Features, valid: Valid | None = None, place: Place | None = None) -> list[Summary]:
        summaries = self.network.summarise(features, self._tensor(valid), place)
        return [tuple(part.double().cpu().numpy() for part in summary) for summary in summaries]

    @torch.inference_mode()
    def refine(self, features: Features, summaries: Sequence[Summary], place: Place | None = None) -> Features:
        there = [tuple(torch.from_numpy(part).to(self.device) for part in summary) for summary in summaries]
        return self.network.refine(features, there, place)

    @torch.inference_mode()
    def decode(self, features: Features) -> Floats:
        return _array(self.network.decode(features))

    def check_local(self) -> None:
        self.network.check_local()

    @torch.no_grad()
    def theoretical_halo(self) -> int:
        """Read off a strip of noise with a NaN stride of columns in it, which spreads as far as anything can. In
        float64, whose convolutions read no more than they need."""
        exact: Any = copy.deepcopy(self.network).cpu().double()
        stride, width = self.stride, 16 * self.stride
        while True:
            images = torch.randn(1, self.network.bands, stride, width, dtype=torch.float64)
            summaries = exact.summarise(exact.encode(images))
            begin = width // 2
            images[..., begin : begin + stride] = torch.nan
            logits = exact.decode(exact.refine(exact.encode(images), summaries))
            reached = logits.isnan().any(dim=(0, 1, 2)).nonzero().flatten().tolist()
            if reached[0] > 0 and reached[-1] < width - 1:
                return -(-max(begin - reached[0], reached[-1] + 1 - begin - stride) // stride) * stride
            width *= 2

    @torch.inference_mode()
    def bytes_per_pixel(self) -> float | None:
        device = self.device
        images = torch.zeros(1, self.network.bands, SIDE, SIDE, device=device)

        def run() -> Tensor:
            features = self.network.encode(images)
            return self.network.decode(self.network.refine(features, self.network.summarise(features)))

        if device.type == "cpu":
            return held_by_torch(run) / SIDE**2
        if device.type != "cuda":
            return None
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        run()
        return (torch.cuda.max_memory_allocated(device) - before) / SIDE**2

    def free_memory(self) -> int:
        return torch.cuda.mem_get_info(self.device)[0] if self.device.type == "cuda" else available()

    def out_of_memory(self, error: Exception) -> bool:
        return isinstance(error, torch.OutOfMemoryError)

    def _tensor(self, array: Any) -> Any:
        return None if array is None else torch.from_numpy(array).to(self.device)


def _array(logits: Tensor) -> Floats:
    return logits.float().cpu().numpy()


def held_by_torch(run: Callable[[], object]) -> int:
    """The most bytes that PyTorch's allocator on the CPU holds while it runs, beyond what it held before."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        _ = run()  # held until the profile ends, so that it counts
    events = profile.profiler.kineto_results.events()  # type: ignore[union-attr]
    held = most = 0
    for event in sorted((e for e in events if e.name() == "[memory]"), key=lambda e: e.start_ns()):
        held += event.nbytes()  # type: ignore[attr-defined]
        most = max(most, held)
    return most
