"""Accuracy by the size of objects: how much of small objects is found. Scores over pixels mostly see large ones.

An object is a set of pixels of one class that touch by their edges; the border of an area cuts it. Its size is in
pixels, without ignored and nodata pixels.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.ndimage import label

from manet.errors import OptionError
from manet.evaluation.metrics import ratio
from manet.evaluation.protocol import Grid
from manet.legend import IGNORED, Legend

EDGES = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
"""Pixels at which one bin of sizes ends and the next begins."""

ObjectCounts = NDArray[np.int64]
"""Counts of each class and bin (classes, bins, 6): labelled objects; those found; their pixels; those of them predicted
as the class; pixels of predicted objects; those of them labelled as the class."""

OF_CLASS = (len(EDGES) + 1, 6)
"""Shape of the counts of one class."""


class SizeScores(BaseModel):
    """Scores of the objects of one class within a bin of sizes; None if there is no such object."""

    model_config = ConfigDict(frozen=True)

    smallest: int
    """Size at which the bin begins, pixels."""
    objects: int
    """Number of labelled objects."""
    found: float | None
    """Share of the labelled objects of which more than half is predicted as the class, 0 to 1."""
    recall: float | None
    """Share of the labelled objects' pixels that are predicted as the class, 0 to 1."""
    precision: float | None
    """Share of the pixels of predicted objects of this size that are labelled as the class, 0 to 1."""


def object_counts(labels: NDArray[np.uint8], prediction: NDArray[np.uint8], classes: int) -> ObjectCounts:
    """Count the objects of an area. It must be the whole area, because only whole objects have a size.

    Args:
        labels: Class indices (height, width), or IGNORED.
        prediction: Class indices (height, width), or IGNORED.
        classes: Number of classes.
    """
    counts = np.zeros((classes, *OF_CLASS), np.int64)
    counted = (labels != IGNORED) & (prediction != IGNORED)
    for index in range(classes):
        truth, predicted = counted & (labels == index), counted & (prediction == index)
        right = truth & predicted
        sizes, hits = _objects(truth, right)
        bins = np.digitize(sizes, EDGES)
        for column, weights in enumerate((np.ones_like(sizes), 2 * hits > sizes, sizes, hits)):
            counts[index, :, column] = np.bincount(bins, weights, len(EDGES) + 1)
        sizes, hits = _objects(predicted, right)
        bins = np.digitize(sizes, EDGES)
        for column, weights in enumerate((sizes, hits), 4):
            counts[index, :, column] = np.bincount(bins, weights, len(EDGES) + 1)
    return counts


def _objects(of_class: NDArray[np.bool_], right: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pixels of each object of a class, and how many of them are right."""
    numbers, found = label(of_class)  # type: ignore[misc]
    sizes = np.bincount(numbers[of_class], minlength=found + 1)[1:]
    return sizes, np.bincount(numbers[right], minlength=found + 1)[1:]


def object_scores(counts: ObjectCounts, legend: Legend) -> dict[str, tuple[SizeScores, ...]]:
    """The scores of each class, one entry per bin, the smallest sizes first."""
    return {name: _of_class(counts[index]) for index, name in enumerate(legend.names)}


def _of_class(counts: NDArray[np.int64]) -> tuple[SizeScores, ...]:
    return tuple(
        SizeScores(
            smallest=smallest,
            objects=int(objects),
            found=ratio(found, objects),
            recall=ratio(hits, pixels),
            precision=ratio(right, predicted),
        )
        for smallest, (objects, found, pixels, hits, predicted, right) in zip((1, *EDGES), counts, strict=True)
    )


def check_by_size(grid: Grid) -> None:
    """Check that some labels have whole objects.

    Raises:
        OptionError: All labels are eroded.
    """
    if "full" not in grid.labels:
        raise OptionError(
            "got scores by size of eroded labels, whose objects have lost their rims; take full labels", option="labels"
        )


def size_names(gsd_m: float | None, smallest: Sequence[int] = (1, *EDGES)) -> list[str]:
    """Names of the bins: in square metres if the ground sampling distance is known, else in pixels."""
    unit, each = ("m²", gsd_m**2) if gsd_m else ("px", 1.0)
    ends = [f"{each * pixels:.2g}" if each * pixels < 10 else f"{each * pixels:.0f}" for pixels in smallest[1:]]
    return [
        f"< {ends[0]} {unit}",
        *(f"{a} to {b} {unit}" for a, b in pairwise(ends)),
        f"> {ends[-1]} {unit}",
    ]
