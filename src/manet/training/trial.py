"""Trials: a few steps that are measured and thrown away, to know what a run costs and to choose its batch and rate."""

import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import Tensor

from manet.datasets.manifest import Split, read_manifest
from manet.datasets.patches import Patch
from manet.errors import TrainingError
from manet.files import replacing
from manet.machine import physical
from manet.recipe import Recipe
from manet.training.batches import Batches
from manet.training.module import make_optimiser
from manet.training.run import assemble

STEPS = 5
"""That are measured, after two that are not."""

RATES = (1e-6, 1.0)
RATE_STEPS = 100
LARGEST_BATCH = 1024
GAIN = 1.05
"""A larger batch must be faster by so much."""

MEMORY_SHARE = 0.8
"""Of the machine's memory that a batch may take where there is no accelerator."""


@dataclass(frozen=True)
class Plan:
    """What would be trained, as in `train`."""

    data: Path
    recipe: Recipe
    device: torch.device
    start: Path | None = None
    choose_on: Split = "validation"
    workers: int = 0


class Trial:
    """A network in training whose steps lead nowhere."""

    def __init__(self, plan: Plan) -> None:
        manifest, recipe = read_manifest(plan.data), plan.recipe
        lightning.seed_everything(recipe.training.seed, verbose=False)
        self.recipe, self.device = recipe, plan.device
        self.batches = Batches(plan.data, manifest, recipe, plan.choose_on, plan.workers)
        self.module = assemble(manifest, recipe, self.batches.steps, plan.start).to(plan.device).train()
        self.optimiser = make_optimiser(self.module.network, recipe.optimiser)

    def patches(self) -> Iterator[Patch]:
        """Batches of epoch after epoch."""
        for epoch in count():
            yield from self.batches.training(epoch)

    def step(self, batches: list[Patch]) -> float:
        """One step over the gradients of some batches; their mean loss."""
        self.optimiser.zero_grad()
        total = 0.0
        for batch in batches:
            loss = self._forward(self.module.training_step, batch) / len(batches)
            loss.backward()
            total += loss.item()
        self.optimiser.step()
        return total

    def validate(self, batch: Patch) -> None:
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
class Cost:
    """What a run would take."""

    parameters: int
    patches: int
    steps: int
    """Of an epoch."""
    data_s: float
    """Of a step: reading and augmentation in this process, which `workers` do meanwhile if there are any."""
    step_s: float
    """Of a step, with them."""
    epoch_s: float
    """With validation."""
    run_s: float
    memory: int | None
    """Bytes at the peak: of the device, or of the process where that is the CPU; None where it cannot be told."""
    disk: int
    """Bytes of the state and the best checkpoint."""


def estimate_cost(plan: Plan) -> Cost:
    """Measure a few steps of training and one batch of validation. Writes nothing."""
    trial, recipe, device = Trial(plan), plan.recipe, plan.device
    source, accumulate = trial.patches(), recipe.patches.accumulate
    read, steps = [], []
    for _ in range(2 + STEPS):
        batches: list[Patch] = []
        read.append(_timed(device, lambda into=batches: into.extend(next(source) for _ in range(accumulate))))
        steps.append(read[-1] + _timed(device, lambda given=batches: trial.step(given)))
    validation = iter(trial.batches.val_dataloader())
    validation_s = _timed(device, lambda: trial.validate(next(validation)))
    step_s = statistics.median(steps[2:])
    epoch_s = step_s * trial.batches.steps + validation_s * len(trial.batches.val_dataloader())
    parameters = sum(p.numel() for p in trial.module.network.parameters())
    return Cost(
        parameters=parameters,
        patches=trial.batches.count,
        steps=trial.batches.steps,
        data_s=statistics.median(read[2:]),
        step_s=step_s,
        epoch_s=epoch_s,
        run_s=epoch_s * recipe.training.epochs,
        memory=_peak_memory(device),
        # float32 weights with two moments, their average where there is one, and the best checkpoint
        disk=4 * parameters * (5 if recipe.training.ema else 4),
    )


@dataclass(frozen=True)
class BatchSpeed:
    """Of a batch of this size: patches a second, and bytes at the peak (see `Cost.memory`)."""

    batch: int
    speed: float
    memory: int | None


def find_batch(plan: Plan) -> Iterator[BatchSpeed]:
    """Doubles the batch until memory ends or a larger one is no faster; the last that is given is the one to take.

    Raises TrainingError where not even the smallest fits.
    """
    device, size = plan.device, plan.recipe.patches.size
    smallest = 1 if size > 32 else 2  # batch norm needs more than one value a channel
    patches = plan.recipe.patches.model_copy(update={"batch": smallest})
    trial = Trial(replace(plan, recipe=plan.recipe.model_copy(update={"patches": patches})))
    one: Any = next(trial.patches())
    fastest = 0.0
    for doublings in range(int(math.log2(LARGEST_BATCH / smallest)) + 1):
        times = 2**doublings
        batch: Any = {n: v.repeat(times, *[1] * (v.dim() - 1)) if isinstance(v, Tensor) else v for n, v in one.items()}
        try:
            seconds = [_timed(device, lambda batch=batch: trial.step([batch])) for _ in range(3)]
        except torch.OutOfMemoryError:
            if not doublings:
                raise TrainingError(
                    f"a batch of {smallest} with patches of {size} pixels does not fit into the memory of {device}; "
                    "take smaller patches"
                ) from None
            return
        speed, memory = times * smallest / min(seconds[1:]), _peak_memory(device)
        if speed < GAIN * fastest:
            return
        fastest = speed
        yield BatchSpeed(times * smallest, speed, memory)
        if device.type == "cpu" and 2 * (memory or 0) > MEMORY_SHARE * physical():
            return


@dataclass(frozen=True)
class RateRange:
    """The losses at rising rates, smoothed, and the rate to take."""

    rates: list[float]
    losses: list[float]
    best: float

    def write_plot(self, path: Path) -> None:
        """A PNG of losses over rates. Raises OutputError where it cannot be written."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6, 4), layout="constrained")
        axes = figure.add_subplot(xscale="log", xlabel="learning rate", ylabel="loss, smoothed")
        axes.plot(self.rates, self.losses)
        axes.axvline(self.best, color="tab:red", label=f"suggested: {self.best:.2g}")
        axes.legend()
        with replacing(path, overwrite=True) as partial:
            figure.savefig(partial, format="png", dpi=120)


def find_rate(plan: Plan, advance: Callable[[int], None] = lambda steps: None) -> RateRange:
    """Train while the rate rises from 1e-6 to 1, and suggest a tenth of the one at which the loss is at its least.

    The range test of Smith (2017): a step at each rate, until the loss is four times its least or not finite. On noisy
    losses the least is easier to tell than the steepest fall, and a tenth of it is about where that lies.
    """
    trial, recipe = Trial(plan), plan.recipe
    source, accumulate = trial.patches(), recipe.patches.accumulate
    shares = [group["lr"] / recipe.optimiser.rate for group in trial.optimiser.param_groups]
    rates: list[float] = []
    losses: list[float] = []
    mean = 0.0
    for step in range(RATE_STEPS):
        rate = RATES[0] * (RATES[1] / RATES[0]) ** (step / (RATE_STEPS - 1))
        for group, share in zip(trial.optimiser.param_groups, shares, strict=True):
            group["lr"] = rate * share
        try:
            loss = trial.step([next(source) for _ in range(accumulate)])
        except TrainingError:  # no longer finite: the range ends here
            break
        mean = 0.9 * mean + 0.1 * loss
        smooth = mean / (1 - 0.9 ** (step + 1))
        if losses and smooth > 4 * min(losses):
            break
        rates.append(rate)
        losses.append(smooth)
        advance(1)
    return RateRange(rates, losses, suggest(rates, losses))


def suggest(rates: list[float], losses: list[float]) -> float:
    """A tenth of the rate at which the loss is at its least. Raises TrainingError where it never falls."""
    least = losses.index(min(losses)) if losses else 0
    if least < 2:
        raise TrainingError("the loss falls at no rate from 1e-6 to 1; look at the data with `manet check`")
    return rates[least] / 10


def _timed(device: torch.device, work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    if device.type != "cpu":
        torch.accelerator.synchronize()
    return time.perf_counter() - begin


def _peak_memory(device: torch.device) -> int | None:
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()
    if sys.platform == "win32":
        return None
    import resource  # which Windows does not have

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
