"""The confusion matrix as a picture."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from manet.evaluation.evaluate import Evaluation
from manet.tables import short


def draw_confusion(evaluation: Evaluation, path: Path) -> None:
    """A PNG with a row a labelled class: colour and percentage are shares of the row, with the pixels below."""
    protocol, counts = evaluation.protocol, np.array(evaluation.confusion)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.where(totals > 0, counts / np.maximum(totals, 1), np.nan)
    size = len(counts)
    figure = Figure(figsize=(0.95 * size + 3.2, 0.85 * size + 2.2), layout="constrained")
    axis = figure.subplots()
    picture = axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row in range(size):
        for col in range(size):
            share = shares[row, col]
            text = f"{100 * share:.1f} %\n{short(counts[row, col])}" if np.isfinite(share) else "-"
            axis.text(col, row, text, ha="center", va="center", fontsize=8, color="white" if share > 0.6 else "black")
    axis.set_xticks(range(size), _labels(protocol.classes), rotation=30, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(size), _labels(protocol.classes))
    axis.set_xlabel("prediction")
    axis.set_ylabel("labels")
    axis.set_title(f"{protocol.dataset}, {protocol.split} split\n{protocol.labels} labels, TTA {protocol.augmentation}")
    figure.colorbar(picture, ax=axis, label="share of the labelled pixels", shrink=0.8)
    figure.savefig(path, dpi=130)


def _labels(names: Sequence[str]) -> list[str]:
    return [name.replace(" ", "\n", 1) for name in names]
