"""Ways to compute the same thing, timed in turns, so that whatever else the machine does affects them all equally."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict
from torch import Tensor

from manet.machine import time_of
from manet.runtime.pytorch import held_by_torch

LEAST_ROUNDS = 3

Agreement = Callable[[Tensor, Tensor], float]


@dataclass(frozen=True)
class Way:
    """One way to compute something."""

    run: Callable[[], Tensor]
    """Computes it once; the result is compared."""
    computes_in: str = "float32"
    """Number type of its products."""
    warm_up: bool = False
    """Whether it runs untimed before every timed run: a process is slow at first after the turn of another one."""
    in_torch: bool = True
    """Whether torch allocates its memory; only that can be measured."""


@dataclass(frozen=True)
class Case:
    """What is computed, in several ways; the first one is the reference."""

    name: str
    ways: Mapping[str, Way]
    compare: Agreement
    """Takes the result of the reference and that of another way: gives the share of equal classes, or a difference."""
    compared: str
    """What `compare` gives, in words."""
    flops: float | None = None
    """Floating-point operations that it takes at least; None if the machine's ceiling does not matter."""


class Timing(BaseModel):
    """A way of a case, measured."""

    model_config = ConfigDict(frozen=True)

    case: str
    way: str
    computes_in: str
    seconds: float
    """Median over the rounds."""
    ratio: float
    """How many times as fast as the reference: median over neighbouring turns."""
    ratio_quartiles: tuple[float, float]
    peak_mb: float | None
    """Memory beyond inputs, weights and output, 10^6 bytes; None if torch does not allocate it."""
    of_ceiling: float | None
    """Share of the machine's rate of matrix products, 0 to 1."""
    agreement: float
    compared: str


def measure(case: Case, rounds: int, budget_s: float, gflops: float) -> list[Timing]:
    """Time all ways of a case in turns, after a first turn that warms caches and whose results are compared.

    Args:
        case: What is timed.
        rounds: Number of turns; fewer if they would exceed the budget, but at least `LEAST_ROUNDS`.
        budget_s: Seconds.
        gflops: The machine's rate of matrix products, 10^9 floating-point operations per second.
    """
    begin = time.perf_counter()
    results = {name: way.run() for name, way in case.ways.items()}
    turn = time.perf_counter() - begin
    peaks = {name: held_mb(way.run) if way.in_torch else None for name, way in case.ways.items()}
    times: dict[str, list[float]] = {name: [] for name in case.ways}
    for _ in range(max(LEAST_ROUNDS, min(rounds, int(budget_s / max(turn, 1e-9))))):
        for name, way in case.ways.items():
            if way.warm_up:
                way.run()
            times[name].append(time_of(way.run))
    reference = next(iter(case.ways))
    rows = []
    for name, way in case.ways.items():
        ratios = [a / b for a, b in zip(times[reference], times[name], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        seconds = statistics.median(times[name])
        rows.append(
            Timing(
                case=case.name,
                way=name,
                computes_in=way.computes_in,
                seconds=seconds,
                ratio=middle,
                ratio_quartiles=(low, high),
                peak_mb=peaks[name],
                of_ceiling=None if case.flops is None else case.flops / seconds / gflops / 1e9,
                agreement=case.compare(results[reference], results[name]),
                compared=case.compared,
            )
        )
    return rows


def held_mb(run: Callable[[], Tensor]) -> float:
    """The most that torch holds during a run, beyond what it held before and the result, 10^6 bytes."""
    results: list[Tensor] = []
    most = held_by_torch(lambda: results.append(run()))
    return (most - results[0].numel() * results[0].element_size()) / 1e6


def equal_classes(expected: Tensor, found: Tensor) -> float:
    """The share of equal classes, 0 to 1, in logits (batch, classes, ...) or class indices."""
    a, b = (x.argmax(1) if x.is_floating_point() else x for x in (expected, found))
    return (a == b).float().mean().item()


def relative_difference(expected: Tensor, found: Tensor) -> float:
    """The largest absolute difference over the largest absolute value that was expected."""
    return ((expected - found).abs().max() / expected.abs().max()).item()
