"""Figures: the confusion matrix; accuracy by the size of objects."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from manet.evaluation.objects import SizeScores, size_names
from manet.evaluation.scoring import Evaluation
from manet.legend import Legend
from manet.tables import short


def legend_handles(legend: Legend) -> list[Patch]:
    """The colours and names of the classes, for the legend of a figure."""
    return [
        Patch(facecolor="#{:02x}{:02x}{:02x}".format(*colour), edgecolor="black", label=name)
        for name, colour in zip(legend.names, legend.colours, strict=True)
    ]


def draw_confusion(evaluation: Evaluation, path: Path) -> None:
    """Write the confusion matrix as a PNG with one row per labelled class.

    Colours and percentages are shares of the row; the number of pixels stands below each percentage.
    """
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
    axis.set_xticks(range(size), _in_two_lines(protocol.classes), rotation=30, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(size), _in_two_lines(protocol.classes))
    axis.set_xlabel("prediction")
    axis.set_ylabel("labels")
    axis.set_title(f"{protocol.dataset}, {protocol.split} split\n{protocol.labels} labels, TTA {protocol.augmentation}")
    figure.colorbar(picture, ax=axis, label="share of the labelled pixels", shrink=0.8)
    figure.savefig(path, dpi=130)


def _in_two_lines(names: Sequence[str]) -> list[str]:
    return [name.replace(" ", "\n", 1) for name in names]


def draw_objects(objects: Mapping[str, Sequence[SizeScores]], gsd_m: float | None, path: Path) -> None:
    """Write accuracy by the size of objects as a PNG with one panel per class.

    Args:
        objects: The scores of each class by bins of sizes, the smallest first.
        gsd_m: Ground sampling distance, metres per pixel, for the names of the bins; None if it is unknown.
        path: File to write.
    """
    figure = Figure(figsize=(8, 0.6 + 2.2 * len(objects)), layout="constrained")
    panels = figure.subplots(len(objects), 1, sharex=True, squeeze=False)[:, 0]
    for panel, (name, sizes) in zip(panels, objects.items(), strict=True):
        counts = panel.twinx()
        counts.bar(range(len(sizes)), [size.objects for size in sizes], color="0.85", width=0.7)
        counts.set_ylabel("labelled objects", color="0.5")
        panel.set_zorder(counts.get_zorder() + 1)
        panel.patch.set_visible(False)
        for measure, style in (("recall", "o-"), ("found", "s--"), ("precision", "^:")):
            known = [(at, 100 * value) for at, s in enumerate(sizes) if (value := getattr(s, measure)) is not None]
            panel.plot(*zip(*known, strict=True) if known else ([], []), style, label=measure)
        panel.set(ylim=(-2, 102), ylabel=f"{name}, %")
        panel.grid(axis="y", alpha=0.3)
    panels[0].legend(loc="lower right", fontsize=8)
    names = size_names(gsd_m)
    panels[-1].set_xticks(range(len(names)), names, rotation=30, ha="right", rotation_mode="anchor")
    panels[-1].set_xlabel("size of the objects")
    figure.savefig(path, dpi=120)
