"""The machine: its processor and memory, how long something takes, and how much memory this process takes.

No torch here, so that what only asks for memory starts at once.
"""

import ctypes
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
"""Where Linux tells and resets the memory of this process, see proc(5)."""

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""The numbers of these parameters in glibc's malloc.h."""

KEEP = (2 << 30) - 1, 1 << 30
SYSTEM = 64 << 20, 32 << 20
"""What glibc arrives at by itself once a program has freed large blocks."""


def processor() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def time_of(run: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def physical() -> int:
    """Bytes of memory that the machine has."""
    return psutil.virtual_memory().total


def available() -> int:
    """Bytes of memory that programs can take without swapping."""
    return psutil.virtual_memory().available


def resident() -> int:
    """Bytes of memory that this process takes now."""
    return psutil.Process().memory_info().rss


def peak_memory() -> int | None:
    """The largest resident memory of this process so far, or since `reset_peak_memory`.

    Returns:
        Bytes; None on Windows. On Linux it is not getrusage's figure, which a process inherits from its parent.
    """
    if STATUS.exists():
        return _status("VmHWM")
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def reset_peak_memory() -> int | None:
    """Let the peak start again from the resident memory of now, if the system can do that.

    Returns:
        Bytes that the next peak is to be compared with: the resident memory, or the peak so far if it cannot be
        reset; None on Windows.
    """
    try:
        RESET.write_text("5")
    except OSError:
        return peak_memory()
    return _status("VmRSS")


def keep_freed(thresholds: tuple[int, int] = KEEP) -> None:
    """Keep large freed blocks for later allocations if the C library is glibc; otherwise do nothing.

    By itself glibc returns every block of more than 32 MB to the system and takes new ones page by page, which is a
    quarter of a training step on a CPU.

    Args:
        thresholds: Bytes of free memory above which it is returned, and bytes from which a block is the system's own.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in zip((TRIM_THRESHOLD, MMAP_THRESHOLD), thresholds, strict=True):
            mallopt(parameter, value)


def _status(name: str) -> int:
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines() if ":" in line)
    return int(lines[name].split()[0]) * 1024


def may_have_accelerator() -> bool:
    """Whether it is worth asking PyTorch, whose import takes seconds, if there is a GPU."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if sys.platform == "win32":
        return shutil.which("nvidia-smi") is not None
    return any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/kfd", "/dev/dri"))


def threads() -> int:
    """Threads to compute with: OMP_NUM_THREADS where it is set, else the processors that this process may use."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
