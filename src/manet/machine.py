"""The machine: its processor, how much memory there is, and how much of it a computation takes."""

import platform
from collections.abc import Callable
from pathlib import Path

import psutil
import torch


def held_by_torch(run: Callable[[], object]) -> int:
    """The most bytes that torch's allocator on the CPU holds while it runs, beyond what it held before."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        _ = run()  # held until the profile ends, so that it counts
    events = profile.profiler.kineto_results.events()  # type: ignore[union-attr]
    held = most = 0
    for event in sorted((e for e in events if e.name() == "[memory]"), key=lambda e: e.start_ns()):
        held += event.nbytes()  # type: ignore[attr-defined]
        most = max(most, held)
    return most


def available() -> int:
    """Bytes of the machine's memory that programs can have without swapping."""
    return psutil.virtual_memory().available


def physical() -> int:
    """Bytes of the machine's memory."""
    return psutil.virtual_memory().total


def processor() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def description() -> str:
    """What figures were measured on, in a line."""
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{processor()}, {capability}, {torch.get_num_threads()} threads, torch {torch.__version__}"
