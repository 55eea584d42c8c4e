"""Figures: image, labels and prediction side by side; the confusion matrix; accuracy by the size of objects."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from manet.evaluation.objects import SizeScores, size_names
from manet.evaluation.scoring import Evaluation
from manet.files import replacing
from manet.legend import IGNORED, Legend
from manet.raster.scene import Scene
from manet.raster.windows import Window
from manet.tables import short


def colourise(classes: NDArray[np.integer], legend: Legend) -> NDArray[np.uint8]:
    """Class indices (height, width) in the legend's colours (height, width, 3); ignored pixels are grey."""
    table = np.full((IGNORED + 1, 3), 128, np.uint8)
    table[: len(legend)] = legend.colours
    return table[classes]


def stretch(image: NDArray[np.generic]) -> NDArray[np.float64]:
    """A picture (height, width, 3) of an image (bands, height, width).

    Returns:
        The first three bands, or the first one in grey, with the percentiles 2 and 98 of each at 0 and 1. NaN in the
        image is left out of the percentiles and stays NaN.
    """
    values = np.moveaxis(image[: 3 if image.shape[0] >= 3 else 1], 0, 2).astype(np.float64)
    low, high = np.nanpercentile(values, (2, 98), axis=(0, 1))
    return np.clip((values - low) / np.maximum(high - low, 1e-9), 0, 1).repeat(3 // values.shape[2], axis=2)


def legend_handles(legend: Legend) -> list[Patch]:
    """The colours and names of the classes, for the legend of a figure."""
    return [
        Patch(facecolor="#{:02x}{:02x}{:02x}".format(*colour), edgecolor="black", label=name)
        for name, colour in zip(legend.names, legend.colours, strict=True)
    ]


def write_panel(
    out: Path,
    image: str | Path,
    rasters: Mapping[str, str | Path],
    legend: Legend,
    window: Window,
    *,
    title: str,
    overwrite: bool = False,
) -> None:
    """Write a PNG of one window: the image, then each class raster, with the legend below.

    Args:
        out: File to write.
        image: Scene whose first bands are shown.
        rasters: Class rasters on the scene's grid by the names they are shown under.
        legend: The classes of the rasters.
        window: What is shown of the scene.
        title: Shown above the pictures.
        overwrite: Replace a file that is there.
    """
    with Scene(image) as scene:
        pictures: dict[str, NDArray[Any]] = {"image": stretch(scene.read(window)[0])}
    for name, path in rasters.items():
        with Scene(path) as raster:
            pictures[name] = colourise(raster.read(window)[0][0], legend)
    shape = window.height / window.width
    figure = Figure(figsize=(5 * len(pictures), 5 * shape + 1), layout="constrained")
    axes = figure.subplots(1, len(pictures), squeeze=False)[0]
    for axis, (name, picture) in zip(axes, pictures.items(), strict=True):
        axis.imshow(picture, interpolation="nearest" if picture.dtype == np.uint8 else "antialiased")
        axis.set_title(name)
        axis.set_axis_off()
    figure.suptitle(title)
    handles = legend_handles(legend)
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    with replacing(out, overwrite) as partial:
        figure.savefig(partial, dpi=120)


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
