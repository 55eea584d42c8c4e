"""Memory: how much a computation takes, and how much there is."""

from collections.abc import Callable

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
