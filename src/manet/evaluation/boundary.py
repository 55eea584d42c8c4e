"""Boundary measures: how well a prediction meets the outlines of the classes. Overall scores mostly see their insides.

A pixel of a class is within t of its boundary if a scored pixel of another class lies at most t away, measured between
pixel centres. Neither the border of an area nor ignored or nodata pixels make a boundary, because what lies beyond them
is not known. Such pixels belong to no class and are not counted.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.ndimage import distance_transform_edt

from manet.datasets.manifest import Manifest
from manet.errors import OptionError
from manet.evaluation.metrics import mean, ratio
from manet.evaluation.protocol import Grid
from manet.legend import IGNORED, Legend

BoundaryCounts = NDArray[np.int64]
"""Pixels of each class (classes, 6): in both bands; in either band; of the predicted contour; of it near the true one;
of the true contour; of it near the predicted one."""

DEFAULT_TOLERANCE = 3.0
"""Pixels: the radius by which the ISPRS erodes labels."""

Pixels = NDArray[np.bool_]


class BoundaryClassScores(BaseModel):
    """Boundary scores of one class, 0 to 1; None if there is no boundary, where they are undefined."""

    model_config = ConfigDict(frozen=True)

    iou: float | None
    """Boundary IoU (Cheng et al., CVPR 2021): the IoU of two bands, the pixels of the class within the tolerance of its
    boundary in the labels and in the prediction."""
    precision: float | None
    """Share of the predicted contour (the outermost pixels of the class) within the tolerance of the true contour."""
    recall: float | None
    """Share of the true contour within the tolerance of the predicted one."""
    f1: float | None
    """Boundary F1 (Csurka et al., BMVC 2013), over all areas together."""


class BoundaryScores(BaseModel):
    """Boundary scores of all classes, 0 to 1. The means are over the foreground classes."""

    model_config = ConfigDict(frozen=True)

    tolerance_px: float
    tolerance_m: float | None
    """None if the ground sampling distance is unknown."""
    mean_iou: float | None
    mean_f1: float | None
    classes: dict[str, BoundaryClassScores]


def boundary_tolerance(manifest: Manifest, metres: float | None, grid: Grid) -> float:
    """The tolerance of boundary measures in pixels.

    Args:
        manifest: The dataset that is scored.
        metres: The tolerance on the ground, at least one pixel; None for `DEFAULT_TOLERANCE` pixels.
        grid: The protocols that are scored.

    Raises:
        OptionError: No protocol has full labels, the tolerance is less than a pixel, or it is in metres although the
            dataset has no ground sampling distance.
    """
    if "full" not in grid.labels:
        raise OptionError(
            "got boundary measures of eroded labels, which leave the boundaries out; take full labels", option="labels"
        )
    if metres is None:
        return DEFAULT_TOLERANCE
    if manifest.gsd_m is None:
        raise OptionError(
            f"got a boundary tolerance in metres, but dataset '{manifest.dataset}' has no ground sampling distance; "
            f"without metres the tolerance is {DEFAULT_TOLERANCE:g} pixels",
            option="boundary",
        )
    if not metres >= manifest.gsd_m:
        raise OptionError(
            f"got a boundary tolerance of {metres:g} m, which is less than a pixel of dataset '{manifest.dataset}' "
            f"({manifest.gsd_m:.3g} m); give at least that",
            option="boundary_m",
        )
    return metres / manifest.gsd_m


def margin(tolerance: float) -> int:
    """Pixels around a window that its counts depend on: a contour within the tolerance, and the pixel next to it."""
    return math.ceil(tolerance) + 1


def boundary_counts(
    labels: NDArray[np.integer],
    prediction: NDArray[np.integer],
    classes: int,
    tolerance: float,
    core: tuple[slice, slice] = (slice(None), slice(None)),
) -> BoundaryCounts:
    """Boundary counts of a window. Only the pixels of its core are counted; the others are their neighbours.

    Args:
        labels: Class indices (height, width), or IGNORED.
        prediction: Class indices (height, width), or IGNORED.
        classes: Number of classes.
        tolerance: Pixels, at least 1.
        core: Rows and columns that are counted.
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
    """The boundary scores of counts that were summed over windows and areas.

    Args:
        counts: (classes, 6), see `BoundaryCounts`.
        legend: The classes in the order of the counts.
        foreground: Indices of the classes that the means are taken over.
        tolerance: Pixels.
        gsd_m: Ground sampling distance, metres per pixel; None if it is unknown.
    """
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


def _distance(pixels: Pixels) -> NDArray[np.float64]:
    """From every pixel to the nearest of `pixels`, in pixels; infinite if there are none."""
    if not pixels.any():
        return np.full(pixels.shape, np.inf)
    return np.asarray(distance_transform_edt(~pixels))
