"""Time and peak memory on the CPU: every pass in a process of its own, the rounds interleaved."""

import multiprocessing
import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Protocol

import torch

from manet.machine import peak_memory, reset_peak_memory, time_of
from manet.progress import QUIET, Progress

Pass = Callable[[], object]
SHORT_S = 1.0
"""A shorter pass is repeated for this long, seconds, and the median is taken."""

METHOD = (
    "Time: the median over the rounds of one forward pass in float32 on the CPU, batch 1, without gradients, after a "
    "pass over a small input. Peak memory: the peak resident memory of the process that makes the pass, less what is "
    "resident in it before the pass, when the parameters and the input are there. Every pass has a process of its "
    "own, and the rounds run through all cases in turn."
)


class Measurable(Protocol):
    """Something that can be measured. It is sent to other processes, so it must be picklable."""

    def prepare(self) -> tuple[Pass, Pass]:
        """A small pass, which loads the code, and the pass that is measured."""
        ...


@dataclass(frozen=True)
class Measured:
    """Time and memory of one pass."""

    seconds: float
    """Median over the rounds."""
    rounds: tuple[float, ...]
    """Seconds of each round."""
    peak_bytes: int | None
    """Peak memory, median over the rounds; None if the system does not tell."""


def measure(cases: Sequence[Measurable], rounds: int, progress: Progress = QUIET) -> list[Measured | None]:
    """Measure every case in turn, `rounds` times over.

    Args:
        cases: What is measured.
        rounds: How often each is measured, at least 1.
        progress: Is told of every pass.

    Returns:
        One entry per case; None if its processes died, as they do when memory does not suffice.
    """
    fork = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(fork)
    context.set_forkserver_preload(["manet.paper.complexity.measuring", "manet.networks"])
    passes: list[list[tuple[float, int | None]]] = [[] for _ in cases]
    for turn in range(rounds):
        for index, (case, measured) in enumerate(zip(cases, passes, strict=True), 1):
            try:
                with ProcessPoolExecutor(1, mp_context=context) as process:
                    measured.append(process.submit(measure_once, case).result())
            except BrokenProcessPool:
                pass
            progress.count("measuring", turn * len(cases) + index, rounds * len(cases))
    return [_median(measured) if measured else None for measured in passes]


def _median(passes: Sequence[tuple[float, int | None]]) -> Measured:
    seconds = tuple(one for one, _ in passes)
    peaks = [peak for _, peak in passes if peak is not None]
    return Measured(statistics.median(seconds), seconds, round(statistics.median(peaks)) if peaks else None)


@torch.inference_mode()
def measure_once(case: Measurable) -> tuple[float, int | None]:
    """Seconds and peak bytes of one pass in this process."""
    small, whole = case.prepare()
    small()
    before = reset_peak_memory()
    times = [time_of(whole)]
    peak = peak_memory()
    while sum(times) < SHORT_S:
        times.append(time_of(whole))
    return statistics.median(times), None if before is None or peak is None else max(peak - before, 0)
