"""Boundary measures: how well the outlines of the classes are met, where overall scores see mostly insides.

A pixel of a class is within t of its boundary if a scored pixel of another class lies at most t away, centre to centre.
So neither the border of an area nor ignored or nodata pixels make a boundary: what lies beyond them is not known.
Such pixels belong to no class and are not counted.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.ndimage import distance_transform_edt

from manet.datasets.manifest import Manifest
from manet.errors import DatasetError
from manet.evaluation.metrics import mean, ratio
from manet.evaluation.protocol import Grid
from manet.legend import IGNORED, Legend

BoundaryCounts = NDArray[np.int64]
"""Of each class (classes, 6), pixels: of both bands, of either band; of the predicted contour, of it near the true one;
of the true contour, of it near the predicted one."""

DEFAULT_TOLERANCE = 3.0
"""In pixels, where none is given: the radius that the ISPRS erodes labels by."""

Mask = NDArray[np.bool_]


class BoundaryClassScores(BaseModel):
    """Of one class, 0 to 1; None where it is undefined because there is no boundary."""

    model_config = ConfigDict(frozen=True)

    iou: float | None
    """Boundary IoU (Cheng et al., CVPR 2021): IoU of the bands of the class's pixels within the tolerance of its
    boundary, in labels and prediction."""
    precision: float | None
    """Share of the predicted contour (the class's outermost pixels) within the tolerance of the true one."""
    recall: float | None
    f1: float | None
    """Boundary F1 (Csurka et al., BMVC 2013), over all areas together."""


class BoundaryScores(BaseModel):
    """The means are over the foreground classes."""

    model_config = ConfigDict(frozen=True)

    tolerance_px: float
    tolerance_m: float | None
    """None where the ground sampling distance is unknown."""
    mean_iou: float | None
    mean_f1: float | None
    classes: dict[str, BoundaryClassScores]


def boundary_tolerance(manifest: Manifest, metres: float | None, grid: Grid) -> float:
    """The tolerance of boundary measures in pixels; without metres it is DEFAULT_TOLERANCE.

    Raises DatasetError where it is less than a pixel, where metres mean nothing, or where no labels have boundaries.
    """
    if "full" not in grid.labels:
        raise DatasetError(
            "got boundary measures with --labels eroded, which leave the boundaries out; take --labels full for them"
        )
    if metres is None:
        return DEFAULT_TOLERANCE
    if manifest.gsd_m is None:
        raise DatasetError(
            f"dataset '{manifest.dataset}' has no ground sampling distance, so --boundary-m means nothing; "
            f"--boundary alone measures within {DEFAULT_TOLERANCE:g} pixels"
        )
    if not metres >= manifest.gsd_m:
        raise DatasetError(
            f"got --boundary-m {metres:g}, which is less than a pixel of dataset '{manifest.dataset}' "
            f"({manifest.gsd_m:.3g} m); give at least that"
        )
    return metres / manifest.gsd_m


def margin(tolerance: float) -> int:
    """Pixels around a window that its counts depend on: a contour within the tolerance, and its neighbour."""
    return math.ceil(tolerance) + 1


def boundary_counts(
    labels: NDArray[np.integer],
    prediction: NDArray[np.integer],
    classes: int,
    tolerance: float,
    core: tuple[slice, slice] = (slice(None), slice(None)),
) -> BoundaryCounts:
    """Counts of a window, of the pixels in its core alone; the pixels around it are their neighbours.

    labels, prediction: (height, width) of class indices or IGNORED; tolerance: pixels, at least 1.
    """
    scored = (labels != IGNORED) & (prediction != IGNORED)
    counts = np.zeros((classes, 6), np.int64)
    for index in range(classes):
        truth, predicted = scored & (labels == index), scored & (prediction == index)
        if not (truth.any() or predicted.any()):
            continue
        truth_distance, predicted_distance = (_distance(scored & ~of_class) for of_class in (truth, predicted))
        band, predicted_band = truth & (truth_distance <= tolerance), predicted & (predicted_distance <= tolerance)
        contour, predicted_contour = truth & (truth_distance <= 1), predicted & (predicted_distance <= 1)
        counts[index] = [
            np.count_nonzero(pixels[core])
            for pixels in (
                band & predicted_band,
                band | predicted_band,
                predicted_contour,
                predicted_contour & (_distance(contour) <= tolerance),
                contour,
                contour & (_distance(predicted_contour) <= tolerance),
            )
        ]
    return counts


def boundary_scores(
    counts: BoundaryCounts, legend: Legend, foreground: Sequence[int], tolerance: float, gsd_m: float | None
) -> BoundaryScores:
    """The scores of counts summed over windows and areas; tolerance in pixels, gsd_m in metres a pixel."""
    classes = {}
    for name, (both, either, predicted, predicted_near, true, true_near) in zip(legend.names, counts, strict=True):
        precision, recall = ratio(predicted_near, predicted), ratio(true_near, true)
        f1 = None
        if predicted or true:
            p, r = precision or 0.0, recall or 0.0
            f1 = 2 * p * r / (p + r) if p + r else 0.0
        classes[name] = BoundaryClassScores(iou=ratio(both, either), precision=precision, recall=recall, f1=f1)
    averaged = [classes[legend.names[index]] for index in foreground]
    return BoundaryScores(
        tolerance_px=tolerance,
        tolerance_m=None if gsd_m is None else tolerance * gsd_m,
        mean_iou=mean([c.iou for c in averaged]),
        mean_f1=mean([c.f1 for c in averaged]),
        classes=classes,
    )


def _distance(pixels: Mask) -> NDArray[np.float64]:
    """Of every pixel to the nearest of `pixels`, in pixels; infinite where there are none."""
    if not pixels.any():
        return np.full(pixels.shape, np.inf)
    return np.asarray(distance_transform_edt(~pixels))
