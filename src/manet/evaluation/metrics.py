"""Scores, all of them from one confusion matrix that is summed over all pixels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from manet.legend import IGNORED, Legend

Confusion = NDArray[np.int64]
"""A confusion matrix (classes, classes): pixels by their true class (row) and predicted class (column)."""


class ClassScores(BaseModel):
    """Scores of one class, 0 to 1; None if the class is in neither labels nor prediction, where they are undefined."""

    model_config = ConfigDict(frozen=True)

    precision: float | None
    recall: float | None
    f1: float | None
    iou: float | None
    pixels: int
    """Labelled pixels of the class."""


class Scores(BaseModel):
    """All scores of a prediction, 0 to 1. Overall accuracy counts every class; the means are over the foreground."""

    model_config = ConfigDict(frozen=True)

    overall_accuracy: float
    mean_f1: float | None
    mean_iou: float | None
    classes: dict[str, ClassScores]


def confusion(labels: NDArray[np.integer], prediction: NDArray[np.integer], classes: int) -> Confusion:
    """Count pixels by true and predicted class. Pixels whose label or prediction is IGNORED are not counted.

    Args:
        labels: Class indices of any shape, or IGNORED.
        prediction: The same shape as `labels`.
        classes: Number of classes.

    Returns:
        Counts (classes, classes), int64: rows are true classes, columns are predicted classes.
    """
    counted = (labels != IGNORED) & (prediction != IGNORED)
    pairs = labels[counted].astype(np.int64) * classes + prediction[counted]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def scores(counts: Confusion, legend: Legend, foreground: Sequence[int] | None = None) -> Scores:
    """Overall accuracy, and precision, recall, F1 and IoU of each class with their means over the foreground.

    Args:
        counts: A confusion matrix (classes, classes).
        legend: The classes in the order of the matrix.
        foreground: Indices of the classes that the means are taken over; None for the legend's foreground.
    """
    truth, predicted, right = counts.sum(axis=1), counts.sum(axis=0), np.diag(counts)
    classes = {
        name: ClassScores(
            precision=ratio(right[i], predicted[i]),
            recall=ratio(right[i], truth[i]),
            f1=ratio(2 * right[i], truth[i] + predicted[i]),
            iou=ratio(right[i], truth[i] + predicted[i] - right[i]),
            pixels=int(truth[i]),
        )
        for i, name in enumerate(legend.names)
    }
    averaged = [classes[legend.names[i]] for i in (legend.foreground if foreground is None else foreground)]
    return Scores(
        overall_accuracy=ratio(right.sum(), counts.sum()) or 0.0,
        mean_f1=mean([c.f1 for c in averaged]),
        mean_iou=mean([c.iou for c in averaged]),
        classes=classes,
    )


def ratio(part: np.integer, whole: np.integer) -> float | None:
    """A share, 0 to 1; None if the whole is 0."""
    return float(part / whole) if whole else None


def mean(values: Sequence[float | None]) -> float | None:
    """The mean of the values that are defined; None if none is."""
    defined = [v for v in values if v is not None]
    return sum(defined) / len(defined) if defined else None
