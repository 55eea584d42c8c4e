"""The largest batch that pays and fits into memory."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from manet.errors import TrainingError
from manet.machine import physical
from manet.progress import QUIET, Progress
from manet.training.trial import TrainingPlan, Trial, peak_on, timed

LARGEST_BATCH = 1024

GAIN = 1.05
"""A batch of twice the size must train on so many times the patches per second."""

MEMORY_SHARE = 0.8
"""Share of the machine's memory that a batch may take where there is no accelerator."""


@dataclass(frozen=True)
class BatchSpeed:
    """How fast a batch of this size is."""

    batch: int
    speed: float
    """Patches per second."""
    memory: int | None
    """Bytes at the peak (see `RunCost.memory`)."""


def find_batch(plan: TrainingPlan, progress: Progress = QUIET) -> Iterator[BatchSpeed]:
    """Double the batch until memory ends or a larger one is no faster.

    Args:
        plan: What would be trained.
        progress: Is told what was transferred from `plan.start`.

    Yields:
        Each batch that fits and is faster than the one before it; the last one is the one to take.

    Raises:
        TrainingError: Not even the smallest batch fits.
    """
    device, size = plan.device, plan.recipe.patches.size
    smallest = 1 if size > 32 else 2  # batch norm needs more than one value per channel
    patches = plan.recipe.patches.model_copy(update={"batch": smallest})
    trial = Trial(replace(plan, recipe=plan.recipe.model_copy(update={"patches": patches})), progress)
    one: Any = next(trial.patches())
    fastest = 0.0
    for doublings in range(int(math.log2(LARGEST_BATCH / smallest)) + 1):
        times = 2**doublings
        batch: Any = {n: v.repeat(times, *[1] * (v.dim() - 1)) if isinstance(v, Tensor) else v for n, v in one.items()}
        try:
            seconds = [timed(device, lambda batch=batch: trial.step([batch])) for _ in range(3)]
        except torch.OutOfMemoryError:
            if not doublings:
                raise TrainingError(
                    f"a batch of {smallest} with patches of {size} pixels does not fit into the memory of {device}; "
                    "take smaller patches"
                ) from None
            return
        speed, memory = times * smallest / min(seconds[1:]), peak_on(device)
        if speed < GAIN * fastest:
            return
        fastest = speed
        yield BatchSpeed(times * smallest, speed, memory)
        if device.type == "cpu" and 2 * (memory or 0) > MEMORY_SHARE * physical():
            return
