"""How large the windows of scene context can be: as large as memory allows, since halos cost least there."""

import math

import torch
from torch import nn

from manet.machine import available, held_by_torch
from manet.prediction.scene_context import SceneNetwork

STEP, LARGEST = 256, 2048
USUAL = 1024
"""Where it cannot be told what a window takes: for exported networks, and on devices other than CPU and CUDA."""

SHARE = 0.5
"""Of the free memory, less the cache; the rest is for reading, writing and the system."""


def fitting_window(network: SceneNetwork, bands: int, halo: int, device: torch.device, cache_bytes: int) -> int:
    """Height and width of windows that fit into the memory that is free, at least two halos and a stride."""
    least = -(-(2 * halo + network.stride) // STEP) * STEP
    if not isinstance(network, nn.Module) or device.type not in ("cpu", "cuda"):
        return max(USUAL, least)
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else available()
    pixels = SHARE * max(free - cache_bytes, 0) / _bytes_a_pixel(network, bands, device)
    return max(min(math.isqrt(int(pixels)) // STEP * STEP, LARGEST), least)


@torch.inference_mode()
def _bytes_a_pixel(network: SceneNetwork, bands: int, device: torch.device) -> float:
    images = torch.zeros(1, bands, STEP, STEP, device=device)

    def run() -> torch.Tensor:
        features = network.encode(images)
        return network.decode(network.refine(features, network.summarise(features)))

    if device.type == "cpu":
        return held_by_torch(run) / STEP**2
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    run()
    return (torch.cuda.max_memory_allocated(device) - before) / STEP**2
