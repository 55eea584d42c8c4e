"""How large windows are where nobody says: 512 pixels; with scene context as large as memory allows, since halos cost
least there."""

import math

from manet.runtime.protocol import Runtime

STEP, LARGEST = 256, 2048
USUAL = 1024
"""Where it is not known what a pixel of a window takes."""

SHARE = 0.5
"""Of the free memory, less the cache; the rest is for reading, writing and the system."""


def fitting_window(runtime: Runtime, halo: int, cache_bytes: int) -> int:
    """Height and width of windows that fit into the memory that is free, pixels; at least two halos and a stride."""
    least = -(-(2 * halo + runtime.stride) // STEP) * STEP
    per_pixel = runtime.bytes_per_pixel()
    if per_pixel is None:
        return max(USUAL, least)
    pixels = SHARE * max(runtime.free_memory() - cache_bytes, 0) / per_pixel
    return max(min(math.isqrt(int(pixels)) // STEP * STEP, LARGEST), least)
