"""Learning curves of an experiment's runs."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib import colormaps
from matplotlib.figure import Figure

from manet.files import replacing
from manet.networks import NETWORKS
from manet.paper.comparison.results import Run
from manet.paper.printed import METHODS
from manet.run_folder import read_log
from manet.training.run import LOG

FILE = "curves.png"


def write_curves(runs: Sequence[Run], out: Path) -> None:
    """Draw the training loss and the mean IoU on validation by step: one colour per network, one line per seed.

    Args:
        runs: Runs that have a log.
        out: PNG file; an earlier one is replaced.
    """
    figure = Figure(figsize=(13, 5), layout="constrained")
    loss, score = figure.subplots(1, 2)
    names = [name for name in NETWORKS if any(run.network == name for run in runs)]
    for name, colour in zip(names, colormaps["tab20"].colors, strict=False):  # type: ignore[attr-defined]
        label = METHODS[name]
        for run in (run for run in runs if run.network == name):
            rows = read_log(run.folder / LOG)
            steps = [int(row["step"]) for row in rows]
            style = {
                "color": colour,
                "linewidth": 2.5 if name == "manet" else 1.2,
                "marker": "." if len(rows) < 3 else "",
            }
            loss.plot(steps, [float(row["train/loss"]) for row in rows], **style)
            score.plot(steps, [100 * float(row["validation/mean_iou"]) for row in rows], label=label, **style)
            label = None
    loss.set(xlabel="step", ylabel="training loss, mean of an epoch")
    score.set(xlabel="step", ylabel="mean IoU on the validation split, %")
    for axes in (loss, score):
        axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", frameon=False)
    with replacing(out, overwrite=True) as partial:
        figure.savefig(partial, dpi=120)
