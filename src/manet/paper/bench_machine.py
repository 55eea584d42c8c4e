"""The machine that figures are measured on, and what it could do at best."""

import statistics
from collections.abc import Callable

import torch
from pydantic import BaseModel, ConfigDict
from torch.nn.functional import conv2d

from manet.machine import processor, time_of

MATRIX = 1536
"""Height and width of the matrices whose product is timed."""

COPIED = 1 << 26
"""Bytes that are copied: more than any cache holds."""


class Machine(BaseModel):
    """A machine and its ceiling, measured in float32 with the threads that the run uses."""

    model_config = ConfigDict(frozen=True)

    processor: str
    threads: int
    instructions: str
    """Vector instructions that torch uses."""
    versions: dict[str, str]
    """Versions of what computes, by package."""
    load: float | None
    """Mean number of running processes in the last minute, this one included; None if it is not known."""
    gflops: float
    """10^9 floating-point operations per second in a matrix product, by the faster of torch's two libraries."""
    bandwidth: float
    """10^9 bytes per second that a copy reads and writes."""


def machine_line() -> str:
    """What figures were measured on, in one line."""
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{processor()}, {capability}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def measure_machine() -> Machine:
    """This machine as it is now; takes about a second."""
    a, b = (torch.randn(MATRIX, MATRIX) for _ in range(2))
    image, weight = a.view(1, MATRIX, MATRIX // 32, 32), b.view(MATRIX, MATRIX, 1, 1)
    source = torch.ones(COPIED // 4)
    target = torch.empty_like(source)
    return Machine(
        processor=processor(),
        threads=torch.get_num_threads(),
        instructions=torch.backends.cpu.get_cpu_capability(),
        versions=_versions(),
        load=_load(),
        gflops=2 * MATRIX**3 / min(_best(lambda: a @ b), _best(lambda: conv2d(image, weight))) / 1e9,
        bandwidth=2 * COPIED / _best(lambda: target.copy_(source)) / 1e9,
    )


def _best(run: Callable[[], object]) -> float:
    run()
    return statistics.quantiles([time_of(run) for _ in range(7)], n=4)[0]


def _load() -> float | None:
    from os import getloadavg

    try:
        return getloadavg()[0]
    except OSError:
        return None


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for package in ("torch", "openvino", "onnxruntime"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
