"""Ways to compute the same thing, timed in turns, so that whatever else the machine does meets all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict
from torch import Tensor

from manet.machine import held_by_torch
from manet.paper.complexity.measuring import time_of

LEAST_ROUNDS = 3

Agreement = Callable[[Tensor, Tensor], float]


@dataclass(frozen=True)
class Way:
    """One way to compute it: `run` gives what is compared; `computes_in` is the number type of its products."""

    run: Callable[[], Tensor]
    computes_in: str = "float32"
    warm_up: bool = False
    """Whether it runs untimed before every timed run: a process starts slowly after another one's turn."""
    in_torch: bool = True
    """Whether torch allocates its memory, which is what can be measured."""


@dataclass(frozen=True)
class Case:
    """What is computed; the first way is the one that the others are measured against."""

    name: str
    ways: Mapping[str, Way]
    compare: Agreement
    """Of the reference's result and another's: the share of equal classes, or the largest relative difference."""
    compared: str
    flops: float | None = None
    """That it takes at least, for the distance to the machine's ceiling."""


class Row(BaseModel):
    """A way, measured."""

    model_config = ConfigDict(frozen=True)

    case: str
    way: str
    computes_in: str
    seconds: float
    """Median."""
    ratio: float
    """How many times as fast as the reference: median over neighbouring runs."""
    ratio_quartiles: tuple[float, float]
    peak_mb: float | None
    """Memory beyond inputs, weights and output, 10^6 bytes; None where torch does not allocate it."""
    of_ceiling: float | None
    """Share of the machine's rate of matrix products."""
    agreement: float
    compared: str


def measure(case: Case, rounds: int, budget_s: float, gflops: float) -> list[Row]:
    """All ways of a case in turns, after a first turn that warms caches and is compared.

    rounds: as many turns, fewer where they would take longer than the budget, but at least LEAST_ROUNDS.
    """
    begin = time.perf_counter()
    results = {name: way.run() for name, way in case.ways.items()}
    turn = time.perf_counter() - begin
    peaks = {name: peak_memory(way.run) if way.in_torch else None for name, way in case.ways.items()}
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
            Row(
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


def peak_memory(run: Callable[[], Tensor]) -> float:
    """The most that torch holds while it runs, beyond what it held before and the result, 10^6 bytes."""
    results: list[Tensor] = []
    most = held_by_torch(lambda: results.append(run()))
    return (most - results[0].numel() * results[0].element_size()) / 1e6


def equal_classes(expected: Tensor, found: Tensor) -> float:
    """Of logits (batch, classes, ...) or class indices: the share of equal classes."""
    a, b = (x.argmax(1) if x.is_floating_point() else x for x in (expected, found))
    return (a == b).float().mean().item()


def relative_difference(expected: Tensor, found: Tensor) -> float:
    """The largest difference over the largest value."""
    return ((expected - found).abs().max() / expected.abs().max()).item()
