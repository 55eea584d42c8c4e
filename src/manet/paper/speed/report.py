"""What a measurement of speed was asked for, and what it found."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from manet.paper.bench_machine import Machine
from manet.paper.speed.interleave import Timing

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
