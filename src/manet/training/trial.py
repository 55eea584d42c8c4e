"""Trials: a few steps of a run that are measured and thrown away, to know what the whole run would cost."""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import Tensor

from manet.datasets.manifest import Split, read_manifest
from manet.datasets.patches import Patch
from manet.machine import peak_memory, time_of
from manet.progress import QUIET, Progress
from manet.recipe import Recipe
from manet.training.batches import Batches
from manet.training.module import assemble
from manet.training.optimiser import make_optimiser

STEPS = 5
"""Steps that are measured, after two that are not."""


@dataclass(frozen=True)
class TrainingPlan:
    """What would be trained; the arguments of `train`."""

    data: Path
    recipe: Recipe
    device: torch.device
    start: Path | None = None
    choose_on: Split = "validation"
    workers: int = 0


class Trial:
    """A network in training whose steps are never kept."""

    def __init__(self, plan: TrainingPlan, progress: Progress = QUIET) -> None:
        """Build the network and open the dataset.

        Args:
            plan: What would be trained.
            progress: Is told what was transferred from `plan.start`.
        """
        manifest, recipe = read_manifest(plan.data), plan.recipe
        lightning.seed_everything(recipe.training.seed, verbose=False)
        self.recipe, self.device = recipe, plan.device
        self.batches = Batches(plan.data, manifest, recipe, plan.choose_on, plan.workers)
        self.module = assemble(manifest, recipe, self.batches.steps, plan.start, progress).to(plan.device).train()
        self.optimiser = make_optimiser(self.module.network, recipe.optimiser)

    def patches(self) -> Iterator[Patch]:
        """The batches of epoch after epoch, without end."""
        for epoch in count():
            yield from self.batches.training(epoch)

    def step(self, batches: list[Patch]) -> float:
        """Take one step by the mean gradient of some batches; returns their mean loss."""
        self.optimiser.zero_grad()
        total = 0.0
        for batch in batches:
            loss = self._forward(self.module.training_step, batch) / len(batches)
            loss.backward()
            total += loss.item()
        self.optimiser.step()
        return total

    def validate(self, batch: Patch) -> None:
        """Validate one batch."""
        self.module.eval()
        with torch.no_grad():
            self._forward(self.module.validation_step, batch)
        self.module.train()

    def _forward(self, step: Callable[[Patch, int], Any], batch: Patch) -> Tensor:
        there: Any = {name: v.to(self.device) if isinstance(v, Tensor) else v for name, v in batch.items()}
        narrow = self.recipe.training.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=narrow):
            return step(there, 0)


@dataclass(frozen=True)
class RunCost:
    """What a run would take."""

    parameters: int
    """Of the network."""
    patches: int
    """Of an epoch."""
    steps: int
    """Of an epoch."""
    data_s: float
    """Seconds of a step that reading and augmentation take in this process; workers do it at the same time."""
    step_s: float
    """Seconds of a step, reading included."""
    epoch_s: float
    """Seconds of an epoch, validation included."""
    run_s: float
    """Seconds of the whole run."""
    memory: int | None
    """Bytes at the peak: of the device, or of the process if the device is the CPU; None where it is not known."""
    disk: int
    """Bytes of the state and the best checkpoint."""


def estimate_cost(plan: TrainingPlan, progress: Progress = QUIET) -> RunCost:
    """Measure a few steps of training and one batch of validation. Nothing is written.

    Args:
        plan: What would be trained.
        progress: Is told what was transferred from `plan.start`.
    """
    trial, recipe, device = Trial(plan, progress), plan.recipe, plan.device
    source, accumulate = trial.patches(), recipe.patches.accumulate
    read, steps = [], []
    for _ in range(2 + STEPS):
        batches: list[Patch] = []
        read.append(timed(device, lambda into=batches: into.extend(next(source) for _ in range(accumulate))))
        steps.append(read[-1] + timed(device, lambda given=batches: trial.step(given)))
    validation = iter(trial.batches.val_dataloader())
    validation_s = timed(device, lambda: trial.validate(next(validation)))
    step_s = statistics.median(steps[2:])
    epoch_s = step_s * trial.batches.steps + validation_s * len(trial.batches.val_dataloader())
    parameters = sum(p.numel() for p in trial.module.network.parameters())
    return RunCost(
        parameters=parameters,
        patches=trial.batches.count,
        steps=trial.batches.steps,
        data_s=statistics.median(read[2:]),
        step_s=step_s,
        epoch_s=epoch_s,
        run_s=epoch_s * recipe.training.epochs,
        memory=peak_on(device),
        # float32 weights with two moments, their average if there is one, and the best checkpoint
        disk=4 * parameters * (5 if recipe.training.ema else 4),
    )


def timed(device: torch.device, work: Callable[[], Any]) -> float:
    """Seconds that some work takes until the device has done it."""

    def run() -> None:
        work()
        if device.type != "cpu":
            torch.accelerator.synchronize()

    return time_of(run)


def peak_on(device: torch.device) -> int | None:
    """Bytes of memory at the peak so far: of an accelerator, or of this process; None where it is not known."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()
    return peak_memory()
