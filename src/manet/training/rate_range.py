"""The range test: the loss at rising learning rates, and the rate to take. Smith 2017."""

from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from manet.errors import TrainingError
from manet.files import replacing
from manet.progress import QUIET, Progress
from manet.training.trial import TrainingPlan, Trial

RATES = (1e-6, 1.0)
"""The first and the last learning rate."""

RATE_STEPS = 100


@dataclass(frozen=True)
class RateRange:
    """The losses at rising learning rates, smoothed, and the rate to take."""

    rates: list[float]
    losses: list[float]
    best: float

    def write_plot(self, path: Path) -> None:
        """Draw the losses over the rates.

        Args:
            path: PNG to write; an earlier one is replaced.

        Raises:
            OutputError: It cannot be written.
        """
        figure = Figure(figsize=(6, 4), layout="constrained")
        axes = figure.add_subplot(xscale="log", xlabel="learning rate", ylabel="loss, smoothed")
        axes.plot(self.rates, self.losses)
        axes.axvline(self.best, color="tab:red", label=f"suggested: {self.best:.2g}")
        axes.legend()
        with replacing(path, overwrite=True) as partial:
            figure.savefig(partial, format="png", dpi=120)


def find_rate(plan: TrainingPlan, progress: Progress = QUIET) -> RateRange:
    """Train while the rate rises from 1e-6 to 1, and suggest a tenth of the rate at which the loss is at its least.

    One step is taken at each rate, until the loss is four times its least or not finite. On noisy losses the least is
    easier to tell than the steepest fall, and a tenth of its rate is about where the loss falls most steeply.

    Args:
        plan: What would be trained.
        progress: Is told what was transferred from `plan.start`, and of every step.

    Raises:
        TrainingError: The loss falls at no rate.
    """
    trial, recipe = Trial(plan, progress), plan.recipe
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
        progress.count("trying rates", step + 1, RATE_STEPS)
    return RateRange(rates, losses, suggest(rates, losses))


def suggest(rates: list[float], losses: list[float]) -> float:
    """A tenth of the rate at which the loss is at its least. Raises TrainingError if the loss never falls."""
    least = losses.index(min(losses)) if losses else 0
    if least < 2:
        raise TrainingError("the loss falls at no rate from 1e-6 to 1; check the dataset and its labels")
    return rates[least] / 10
