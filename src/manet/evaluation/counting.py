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
from manet.evaluation.metrics import Counts, confusion
from manet.evaluation.objects import OF_CLASS, ObjectCounts, object_counts
from manet.evaluation.protocol import Labels
from manet.legend import IGNORED, Legend
from manet.raster.scene import Scene
from manet.raster.windows import Window, tiles


@dataclass(frozen=True)
class Counted:
    """A window of an area, with what is around it."""

    part: Window
    """The window, from the area's corner."""
    labels: NDArray[np.uint8]
    """(height, width) of the window and its margin."""
    prediction: NDArray[np.uint8]
    core: tuple[slice, slice]
    """Where the window lies in them."""


class Tally:
    """Counts of a prediction against one version of the labels."""

    def __init__(self, classes: int, tolerance: float | None, by_size: bool) -> None:
        """tolerance: of boundary measures, in pixels; None: not taken. by_size: whether objects are counted."""
        self.tolerance, self.by_size = tolerance, by_size
        self.confusion: Counts = np.zeros((classes, classes), np.int64)
        self.boundary: BoundaryCounts = np.zeros((classes, 6), np.int64)
        self.objects: ObjectCounts = np.zeros((classes, *OF_CLASS), np.int64)

    @property
    def margin(self) -> int:
        """Pixels around a window that its counts depend on."""
        return 0 if self.tolerance is None else margin(self.tolerance)

    def add(self, counted: Counted) -> None:
        labels, prediction, core, classes = counted.labels, counted.prediction, counted.core, len(self.confusion)
        self.confusion += confusion(labels[core], prediction[core], classes)
        if self.tolerance is not None:
            self.boundary += boundary_counts(labels, prediction, classes, self.tolerance, core)

    def add_objects(self, truth: Scene, prediction: NDArray[np.uint8], area: Window, legend: Legend) -> None:
        """Of a whole area, which is read into memory, where they are counted."""
        if self.by_size:
            self.objects += object_counts(_read_labels(truth, area, legend), np.asarray(prediction), len(legend))


def windows(
    truth: Scene, prediction: NDArray[np.uint8], area: Window, legend: Legend, margin: int
) -> Iterator[Counted]:
    """Windows that cover an area, with `margin` pixels around each where the area has them."""
    for part in tiles(area.height, area.width):
        seen = Window(part.row - margin, part.col - margin, part.height + 2 * margin, part.width + 2 * margin)
        seen = seen.intersect(Window(0, 0, area.height, area.width))
        assert seen is not None
        labels = _read_labels(truth, Window(area.row + seen.row, area.col + seen.col, seen.height, seen.width), legend)
        yield Counted(part, labels, np.asarray(prediction[seen.slices]), part.within(seen).slices)


@contextmanager
def held(pieces: Iterable[tuple[Window, NDArray[np.uint8]]], area: Window) -> Iterator[NDArray[np.uint8]]:
    """The prediction of an area (height, width) in a temporary file; IGNORED where no piece came."""
    with tempfile.TemporaryFile() as file:
        whole = np.memmap(file, np.uint8, "w+", shape=(area.height, area.width))
        whole[:] = IGNORED
        for piece, classes in pieces:
            whole[piece.within(area).slices] = classes
        yield whole


def open_labels(folder: Path, manifest: Manifest, entry: SceneEntry, version: Labels) -> Scene:
    """A version of a scene's labels. Raises DatasetError where there is none, or of another size than the scene."""
    path = entry.labels if version == "full" else entry.eroded
    if path is None:
        raise DatasetError(
            f"dataset '{manifest.dataset}' has no eroded labels of scene '{entry.name}'; "
            "use --labels full, or prepare it again from a source that has them"
        )
    labels = Scene(folder / path)
    if (labels.height, labels.width) != (entry.height, entry.width):
        raise DatasetError(
            f"{labels.path} has {labels.height} x {labels.width} pixels, its scene has {entry.height} x {entry.width}; "
            "prepare the dataset again"
        )
    return labels


def _read_labels(labels: Scene, window: Window, legend: Legend) -> NDArray[np.uint8]:
    values = labels.read(window)[0][0]
    stray = values[(values >= len(legend)) & (values != IGNORED)]
    if stray.size:
        raise DatasetError(
            f"{labels.path} holds the value {stray[0]}; expected 0 to {len(legend) - 1}, or {IGNORED} for ignored "
            "pixels: prepare the dataset again"
        )
    return values.astype(np.uint8)
