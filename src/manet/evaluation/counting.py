"""Counting a prediction against labels, window by window."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.datasets.manifest import Manifest, SceneEntry
from manet.errors import DatasetError
from manet.evaluation.boundary import BoundaryCounts, boundary_counts, margin
from manet.evaluation.metrics import Confusion, confusion
from manet.evaluation.objects import OF_CLASS, ObjectCounts, object_counts
from manet.evaluation.protocol import LabelVersion
from manet.legend import IGNORED, Legend
from manet.raster.scene import Scene
from manet.raster.windows import Window, tiles


@dataclass(frozen=True)
class CountedWindow:
    """A window of an area with the pixels around it."""

    window: Window
    """The window; its origin is the area's corner."""
    labels: NDArray[np.uint8]
    """(height, width) of the window and its margin."""
    prediction: NDArray[np.uint8]
    """(height, width) of the window and its margin."""
    core: tuple[slice, slice]
    """Rows and columns of the window within them."""


class Tally:
    """The counts of a prediction against one version of the labels."""

    def __init__(self, classes: int, tolerance: float | None, by_size: bool) -> None:
        """Start with counts of 0.

        Args:
            classes: Number of classes.
            tolerance: Of boundary measures, in pixels; None if they are not taken.
            by_size: Whether objects are counted.
        """
        self.tolerance, self.by_size = tolerance, by_size
        self.confusion: Confusion = np.zeros((classes, classes), np.int64)
        self.boundary: BoundaryCounts = np.zeros((classes, 6), np.int64)
        self.objects: ObjectCounts = np.zeros((classes, *OF_CLASS), np.int64)

    @property
    def margin(self) -> int:
        """Pixels around a window that its counts depend on."""
        return 0 if self.tolerance is None else margin(self.tolerance)

    def add(self, counted: CountedWindow) -> None:
        """Count the pixels of a window."""
        labels, prediction, core, classes = counted.labels, counted.prediction, counted.core, len(self.confusion)
        self.confusion += confusion(labels[core], prediction[core], classes)
        if self.tolerance is not None:
            self.boundary += boundary_counts(labels, prediction, classes, self.tolerance, core)

    def add_objects(self, truth: Scene, prediction: NDArray[np.uint8], area: Window, legend: Legend) -> None:
        """Count the objects of a whole area if they are asked for; its labels are read into memory for that."""
        if self.by_size:
            self.objects += object_counts(read_labels(truth, area, legend), np.asarray(prediction), len(legend))


def windows(
    truth: Scene, prediction: NDArray[np.uint8], area: Window, legend: Legend, margin: int
) -> Iterator[CountedWindow]:
    """Windows that cover an area.

    Args:
        truth: The labels of the whole scene.
        prediction: Class indices of the area (height, width).
        area: The area's window in the scene.
        legend: The classes that the labels may have.
        margin: Pixels around each window, as far as the area has them.

    Raises:
        DatasetError: The labels hold a value that is no class.
    """
    for window in tiles(area.height, area.width):
        seen = Window(window.row - margin, window.col - margin, window.height + 2 * margin, window.width + 2 * margin)
        seen = seen.intersect(Window(0, 0, area.height, area.width))
        assert seen is not None
        labels = read_labels(truth, Window(area.row + seen.row, area.col + seen.col, seen.height, seen.width), legend)
        yield CountedWindow(window, labels, np.asarray(prediction[seen.slices]), window.within(seen).slices)


@contextmanager
def held(predicted: Iterable[tuple[Window, NDArray[np.uint8]]], area: Window) -> Iterator[NDArray[np.uint8]]:
    """The prediction of an area (height, width) in a temporary file; IGNORED where no window was predicted."""
    with tempfile.TemporaryFile() as file:
        whole = np.memmap(file, np.uint8, "w+", shape=(area.height, area.width))
        whole[:] = IGNORED
        for window, classes in predicted:
            whole[window.within(area).slices] = classes
        yield whole


def open_labels(folder: Path, manifest: Manifest, entry: SceneEntry, version: LabelVersion) -> Scene:
    """Open a version of a scene's labels.

    Raises:
        DatasetError: The scene has no such labels, or they differ from it in size.
    """
    path = entry.labels if version == "full" else entry.eroded
    if path is None:
        raise DatasetError(
            f"dataset '{manifest.dataset}' has no eroded labels of scene '{entry.name}'; "
            "take full labels, or prepare it again from a source that has eroded ones",
            option="labels",
        )
    labels = Scene(folder / path)
    if (labels.height, labels.width) != (entry.height, entry.width):
        raise DatasetError(
            f"{labels.path} has {labels.height} x {labels.width} pixels, its scene has {entry.height} x {entry.width}; "
            "prepare the dataset again"
        )
    return labels


def read_labels(labels: Scene, window: Window, legend: Legend) -> NDArray[np.uint8]:
    """The labels of a window (height, width). Raises DatasetError if they hold a value that is no class."""
    values = labels.read(window)[0][0]
    stray = values[(values >= len(legend)) & (values != IGNORED)]
    if stray.size:
        raise DatasetError(
            f"{labels.path} holds the value {stray[0]}; expected 0 to {len(legend) - 1}, or {IGNORED} for ignored "
            "pixels: prepare the dataset again"
        )
    return values.astype(np.uint8)
