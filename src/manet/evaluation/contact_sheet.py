"""A contact sheet: samples of every split, each as the image and as the image under its labels."""

import random
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from manet.datasets.manifest import SPLITS, Area, Manifest, Split
from manet.evaluation.figures import legend_handles
from manet.files import replacing
from manet.legend import IGNORED, Legend
from manet.pictures.colours import colourise, stretch
from manet.raster.scene import Scene
from manet.raster.windows import Window, grid

SAMPLES, SIZE = 4, 384
"""Number of samples per split, and their height and width in pixels."""

TRIES = 4
"""Windows that are looked at for each sample; the one with most classes is taken, then the one with most labels."""


def write_contact_sheet(out: Path, folder: Path, manifest: Manifest, overwrite: bool = False) -> None:
    """Write the contact sheet of a prepared dataset as a PNG with one row per labelled split.

    Args:
        out: File to write.
        folder: Folder of the prepared dataset.
        manifest: The dataset's manifest.
        overwrite: Replace a file that is there.

    Raises:
        OutputError: `out` exists and is not to be replaced, or cannot be written.
    """
    splits: list[Split] = [split for split in SPLITS if manifest.labelled(split)]
    figure = Figure(figsize=(2.4 * 2 * SAMPLES, 2.6 * len(splits) + 0.6), layout="constrained")
    rows = figure.subplots(len(splits), 2 * SAMPLES, squeeze=False)
    for split, axes in zip(splits, rows, strict=True):
        for axis in axes:
            axis.set_axis_off()
        for index, (scene, window) in enumerate(_samples(folder, manifest, manifest.labelled(split))):
            picture, overlay = _pictures(folder, manifest, scene, window)
            for axis, values in zip(axes[2 * index : 2 * index + 2], (picture, overlay), strict=True):
                axis.imshow(values, interpolation="nearest")
            axes[2 * index].set_title(f"{split}: {scene}", fontsize=8, loc="left")
            axes[2 * index + 1].set_title(f"row {window.row}, column {window.col}", fontsize=8, loc="left")
    handles = [*legend_handles(manifest.legend), Patch(facecolor="black", label="darkened: no label")]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 8), frameon=False, fontsize=8)
    with replacing(out, overwrite) as partial:
        figure.savefig(partial, dpi=110)


def _samples(folder: Path, manifest: Manifest, areas: tuple[Area, ...]) -> list[tuple[str, Window]]:
    """Scenes and windows spread over a split's areas, the same in every call."""
    windows = [(area.scene, window) for area in areas for window in grid(area.window, SIZE, SIZE)]
    random.Random(0).shuffle(windows)
    chosen = []
    for index in range(min(SAMPLES, len(windows))):
        tried = windows[index::SAMPLES][:TRIES]
        chosen.append(max(tried, key=lambda one: _richness(folder, manifest, *one)))
    return sorted(chosen)


def _richness(folder: Path, manifest: Manifest, scene: str, window: Window) -> tuple[int, float]:
    """Number of classes in a window, and the share of its pixels that are labelled."""
    with Scene(folder / manifest.scene(scene).labels) as raster:
        labels = raster.read(window)[0][0]
    known = labels[labels != IGNORED]
    return len(np.unique(known)), known.size / labels.size


def _pictures(folder: Path, manifest: Manifest, name: str, window: Window) -> tuple[NDArray[np.float64], ...]:
    entry = manifest.scene(name)
    with Scene(folder / entry.image) as scene, Scene(folder / entry.labels) as raster:
        image, valid = scene.read(window)
        labels = raster.read(window)[0][0].astype(np.uint8)
    picture = stretch(np.where(valid, image, np.nan) if not valid.all() and valid.any() else image)
    picture = np.where(valid[..., None], np.nan_to_num(picture), 0)
    return picture, lay_over(picture, labels, manifest.legend)


def lay_over(picture: NDArray[np.float64], labels: NDArray[np.uint8], legend: Legend) -> NDArray[np.float64]:
    """Lay labels over a picture: their colours and outlines; pixels without a label are darkened.

    Args:
        picture: (height, width, 3), 0 to 1.
        labels: Class indices (height, width), or IGNORED.
        legend: The classes.

    Returns:
        (height, width, 3), 0 to 1.
    """
    colours = colourise(labels, legend) / 255
    grey = picture.mean(axis=2, keepdims=True)
    shown = np.where((labels == IGNORED)[..., None], 0.35 * picture, 0.55 * grey + 0.45 * colours)
    edges = np.zeros(labels.shape, bool)
    edges[1:] |= labels[1:] != labels[:-1]
    edges[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    shown[edges] = colours[edges]
    return shown
