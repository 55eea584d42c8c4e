"""What `manet train` measures instead of training: the cost of a run, the batch, the rate."""

from pathlib import Path

from manet.cli.console import console
from manet.cli.progress import ConsoleProgress
from manet.training.batch_size import find_batch
from manet.training.rate_range import find_rate
from manet.training.trial import TrainingPlan, estimate_cost


def print_cost(plan: TrainingPlan) -> None:
    """Time, memory and disk of the whole run, from a few steps of it."""
    cost, recipe = estimate_cost(plan), plan.recipe
    _say(f"{recipe.network.name} with {recipe.network.encoder}: {cost.parameters / 1e6:.1f} million parameters")
    _say(
        f"an epoch: {cost.patches} patches in {cost.steps} steps of {cost.step_s:.2f} s, and validation: "
        f"{_duration(cost.epoch_s)} on {plan.device}"
    )
    patches, step = recipe.patches.batch * recipe.patches.accumulate, cost.step_s - cost.data_s
    _say(
        f"patches a second: {patches / cost.data_s:.0f} read and augmented, {patches / step:.1f} trained on; "
        f"reading takes {cost.data_s / cost.step_s:.0%} of a step"
        + (f", and is done meanwhile by --workers {plan.workers}" if plan.workers else "")
    )
    _say(f"the run: {recipe.training.epochs} epochs, {_duration(cost.run_s)}")
    _say(f"memory: {_size(cost.memory)}; disk: {_size(cost.disk)}")


def print_batch(plan: TrainingPlan) -> None:
    """The batch that is fastest and fits, and how smaller ones did."""
    batch = 0
    for found in find_batch(plan):
        batch = found.batch
        _say(f"batch {batch}: {found.speed:.2f} patches a second, memory {_size(found.memory)}")
    _say(f"suggested: [patches] batch = {batch}")


def print_rate(plan: TrainingPlan, plot: Path) -> None:
    """The rate to take, and the plot it was read from."""
    with ConsoleProgress() as progress:
        found = find_rate(plan, progress)
    found.write_plot(plot)
    _say(f"suggested: [optimiser] rate = {found.best:.1e}; see {plot}")


def _say(line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _size(count: int | None) -> str:
    if count is None:
        return "unknown"
    return f"{count / 1e6:.0f} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"
