"""How large windows are with scene context if nobody says: as large as memory allows, since halos cost least there.

Features that are kept between the passes get the memory that windows leave.
"""

import math

from manet.machine import resident
from manet.runtime.protocol import Runtime

STEP, LARGEST = 256, 2048
USUAL = 1024
"""If it is not known what a pixel of a window takes."""

LARGEST_BATCH = 16

WINDOWS = 0.6
"""The share of the memory that windows may take; the rest is for features that are kept."""

ASKED = 0.7
"""Of the memory that is allowed, what windows and features may ask for: allocators hold about 1.3 times as much."""

FREE = 0.5
"""The share of the free memory that is taken at most, whatever is allowed; the rest is for the system."""


def spare_memory(runtime: Runtime, memory_bytes: int) -> float:
    """Bytes that windows and kept features may take where the network is computed, this process's own subtracted.

    Args:
        runtime: What computes the network.
        memory_bytes: What the process may take. An accelerator has a memory of its own, of which FREE is taken.
    """
    free = FREE * runtime.free_memory()
    return free if runtime.device_name != "cpu" else max(min(ASKED * (memory_bytes - resident()), free), 0)


def fitting_window(per_pixel: float | None, halo: int, stride: int, spare: float) -> int:
    """Height and width of windows that fit into the spare memory, pixels; at least two halos and a stride.

    per_pixel: bytes that a pixel of a window takes; None: it is not known.
    """
    least = -(-(2 * halo + stride) // STEP) * STEP
    if per_pixel is None:
        return max(USUAL, least)
    return max(min(math.isqrt(int(WINDOWS * spare / per_pixel)) // STEP * STEP, LARGEST), least)


def fitting_batch(per_pixel: float | None, window: int, spare: float) -> int:
    """Windows that an accelerator computes at once: as many as fit into their share of the spare memory, 1 to 16.

    per_pixel: bytes that a pixel of a window takes; None: it is not known.
    """
    return 1 if per_pixel is None else max(1, min(int(WINDOWS * spare / (per_pixel * window**2)), LARGEST_BATCH))


def left_for_features(per_pixel: float | None, window: int, spare: float) -> int:
    """Bytes for features that are kept between the passes, when windows have taken theirs."""
    return int((1 - WINDOWS) * spare if per_pixel is None else max(spare - per_pixel * window**2, 0))
