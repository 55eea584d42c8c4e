"""What a measurement of speed was asked for, and what it found."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from manet.page.of_tables import page_of_tables
from manet.paper.bench_machine import Machine
from manet.paper.speed.interleave import Timing
from manet.tables import TextTable

CaseKind = Literal["attention", "network", "step", "scene", "contexts"]
"""Kinds of cases: kernel attention, a network, a training step, a scene in memory, a scene from file to file."""


class SpeedSettings(BaseModel):
    """What is measured."""

    model_config = ConfigDict(frozen=True)

    encoder: str = "resnet50"
    """Encoder of the untrained network; a checkpoint has its own."""
    size: int = 512
    """Height and width of the image that a network sees, pixels."""
    step_size: int = 256
    """Height and width of the images of a training step, four per batch, pixels."""
    scene_size: int = 1024
    """Height and width of the scene, pixels."""
    only: CaseKind | None = None
    """The only kind of case that is measured; None for all."""
    rounds: int = 9
    budget_s: float = 30.0
    """Time for one case, seconds; at least three rounds are made in any case."""


class SpeedReport(BaseModel):
    """Timings, and what they were taken of and on."""

    model_config = ConfigDict(frozen=True)

    version: str
    settings: SpeedSettings
    network: str
    imagery: str
    machine: Machine
    rows: tuple[Timing, ...]


def tables(report: SpeedReport) -> list[TextTable]:
    """One table per case: times as fast as its first row, median and quartiles."""
    columns = ("way", "computes in", "seconds", "times as fast", "MB", "of ceiling", "agreement")
    return [
        TextTable(case, columns, [_cells(row) for row in report.rows if row.case == case])
        for case in dict.fromkeys(row.case for row in report.rows)
    ]


def about(report: SpeedReport) -> dict[str, str]:
    """What was measured, and on what."""
    machine = report.machine
    return {
        "network": report.network,
        "imagery": report.imagery,
        "machine": f"{machine.processor}, {machine.threads} threads, {machine.instructions}",
        "ceiling": f"matrix products {machine.gflops:.0f} GFLOP/s, copies {machine.bandwidth:.1f} GB/s",
        "versions": ", ".join(f"{name} {number}" for name, number in machine.versions.items()),
    }


def write_page(report: SpeedReport, out: Path, overwrite: bool = False) -> None:
    """Write a page. Raises OutputError if `out` exists and is not to be replaced, or cannot be written."""
    page_of_tables("Speed, side by side", tables(report), known=about(report)).write(out, overwrite)


def _cells(row: Timing) -> tuple[str, ...]:
    low, high = row.ratio_quartiles
    equal = row.compared == "equal classes"
    return (
        row.way,
        row.computes_in,
        f"{row.seconds:.4f}",
        f"{row.ratio:.2f} ({low:.2f} to {high:.2f})",
        "-" if row.peak_mb is None else f"{row.peak_mb:.1f}",
        "-" if row.of_ceiling is None else f"{100 * row.of_ceiling:.0f} %",
        f"{100 * row.agreement:.3f} %" if equal else f"off by {row.agreement:.0e}",
    )
