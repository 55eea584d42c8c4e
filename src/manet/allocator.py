"""The C library's allocator: what becomes of large blocks that are freed."""

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""The parameters' numbers in glibc's malloc.h."""

KEEP = (2 << 30) - 1, 1 << 30
SYSTEM = 64 << 20, 32 << 20
"""What glibc comes to by itself once a program has freed large blocks."""


def keep_freed(thresholds: tuple[int, int] = KEEP) -> None:
    """Keep large freed blocks for the next ones, where the C library is glibc; elsewhere nothing is done.

    By itself it returns every block of more than 32 MB to the system and takes new ones page by page, which is a
    quarter of a training step on a CPU.
    thresholds: bytes of free memory that are given back, bytes of a block that is the system's own.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in zip((TRIM_THRESHOLD, MMAP_THRESHOLD), thresholds, strict=True):
            mallopt(parameter, value)
