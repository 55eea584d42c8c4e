"""How many pixels each class has."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.datasets.manifest import Area, SceneEntry
from manet.datasets.split_areas import read_areas
from manet.errors import DatasetError
from manet.legend import IGNORED


def class_pixels(
    folder: Path, scenes: tuple[SceneEntry, ...], areas: tuple[Area, ...], classes: int
) -> tuple[int, ...]:
    """Count the labelled pixels of each class in areas.

    Args:
        folder: Folder of the prepared dataset.
        scenes: The dataset's scenes; those without labels have no pixels.
        areas: Windows of these scenes.
        classes: How many classes the legend has.

    Returns:
        One count per class.

    Raises:
        DatasetError: A label is neither a class index nor IGNORED.
    """
    counts = np.zeros(IGNORED + 1, np.int64)
    for labels, _ in read_areas(folder, scenes, areas, "given_labels"):
        counts += np.bincount(labels.ravel(), minlength=IGNORED + 1)
    return tuple(int(n) for n in check_counts(counts, classes))


def check_counts(counts: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """The counts (classes,) of class indices among those of all bytes (256,).

    Raises:
        DatasetError: A byte occurs that is neither a class index nor IGNORED.
    """
    if (stray := np.flatnonzero(counts[classes:IGNORED])).size:
        value = stray[0] + classes
        raise DatasetError(
            f"labels hold the value {value} in {counts[value]} pixels; expected 0 to {classes - 1}, or {IGNORED} for "
            "ignored pixels: prepare the dataset again"
        )
    return counts[:classes]
