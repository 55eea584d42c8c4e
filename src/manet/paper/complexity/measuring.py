"""Time and peak memory on the CPU, every pass in a process of its own, the cases interleaved."""

import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

Pass = Callable[[], object]
SHORT_S = 1.0
"""A shorter pass is repeated for so long, and the median taken."""

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")

METHOD = (
    "Time: the median over the rounds of one forward pass in float32 on the CPU, batch 1, without gradients, after a "
    "pass over a small input. Peak memory: the peak resident memory of the process that makes the pass, less what is "
    "resident in it before the pass, when the parameters and the input are there. Every pass has a process of its "
    "own, and the rounds run through all cases in turn."
)


class Case(Protocol):
    """Something to be measured. It is sent to other processes."""

    def prepare(self) -> tuple[Pass, Pass]:
        """A small pass, which loads the code, and the pass to be measured."""
        ...


@dataclass(frozen=True)
class Measured:
    """Of one case."""

    seconds: float
    """Median over the rounds."""
    rounds: tuple[float, ...]
    peak_bytes: int | None
    """Median over the rounds; None where the system does not tell."""


def measure(
    cases: Sequence[Case], rounds: int, done: Callable[[int], None] = lambda passes: None
) -> list[Measured | None]:
    """Of each case, None where its process died, as where memory did not suffice."""
    fork = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(fork)
    context.set_forkserver_preload(["manet.paper.complexity.measuring", "manet.networks"])
    passes: list[list[tuple[float, int | None]]] = [[] for _ in cases]
    for _ in range(rounds):
        for case, measured in zip(cases, passes, strict=True):
            try:
                with ProcessPoolExecutor(1, mp_context=context) as process:
                    measured.append(process.submit(measure_once, case).result())
            except BrokenProcessPool:
                pass
            done(1)
    return [_median(measured) if measured else None for measured in passes]


def _median(passes: Sequence[tuple[float, int | None]]) -> Measured:
    seconds = tuple(one for one, _ in passes)
    peaks = [peak for _, peak in passes if peak is not None]
    return Measured(statistics.median(seconds), seconds, round(statistics.median(peaks)) if peaks else None)


@torch.inference_mode()
def measure_once(case: Case) -> tuple[float, int | None]:
    """Seconds and peak memory of one pass in this process."""
    small, whole = case.prepare()
    small()
    before = _resident_afresh()
    times = [time_of(whole)]
    peak = _peak()
    while sum(times) < SHORT_S:
        times.append(time_of(whole))
    return statistics.median(times), None if before is None or peak is None else max(peak - before, 0)


def time_of(run: Pass) -> float:
    """Seconds."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def _resident_afresh() -> int | None:
    """Resident memory now, from which on the peak counts; the peak until now where it cannot be set back."""
    try:
        RESET.write_text("5")  # the peak starts from what is resident, see proc(5)
    except OSError:
        return _peak()
    return _status("VmRSS")


def _peak() -> int | None:
    """Peak resident memory of this process, bytes. On Linux not getrusage's, which a parent hands down."""
    if STATUS.exists():
        return _status("VmHWM")
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _status(name: str) -> int:
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines() if ":" in line)
    return int(lines[name].split()[0]) * 1024
