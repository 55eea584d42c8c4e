"""Boundary measures against a twin that looks at every neighbour of every pixel."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from manet.evaluation.boundary import boundary_counts, boundary_scores, margin
from manet.legend import IGNORED, ISPRS, Legend, LegendClass
from manet.raster.windows import Window, tiles

CLASSES = 4


def blobs(seed: int, height: int = 37, width: int = 52) -> np.ndarray:
    rng = np.random.default_rng(seed)
    fields = [gaussian_filter(rng.standard_normal((height, width)), 3) for _ in range(CLASSES)]
    return np.argmax(fields, axis=0).astype(np.uint8)


def with_ignored(labels: np.ndarray, seed: int) -> np.ndarray:
    labels = labels.copy()
    labels[np.random.default_rng(seed).random(labels.shape) < 0.1] = IGNORED
    labels[5:12, 30:45] = IGNORED
    return labels


def naive_counts(labels: np.ndarray, prediction: np.ndarray, classes: int, tolerance: float) -> np.ndarray:
    """From the definitions, pixel by pixel."""
    height, width = labels.shape
    reach = int(tolerance) + 1
    scored = (labels != IGNORED) & (prediction != IGNORED)

    def near(row: int, col: int, pixels: np.ndarray, distance: float) -> bool:
        return any(
            pixels[r, c]
            for r in range(max(row - reach, 0), min(row + reach + 1, height))
            for c in range(max(col - reach, 0), min(col + reach + 1, width))
            if (r - row) ** 2 + (c - col) ** 2 <= distance**2
        )

    def where(pixels: np.ndarray, other: np.ndarray, distance: float) -> np.ndarray:
        found = np.zeros(pixels.shape, bool)
        for row, col in np.argwhere(pixels):
            found[row, col] = near(row, col, other, distance)
        return found

    counts = np.zeros((classes, 6), int)
    for index in range(classes):
        truth, predicted = scored & (labels == index), scored & (prediction == index)
        band, predicted_band = (where(m, scored & ~m, tolerance) for m in (truth, predicted))
        contour, predicted_contour = (where(m, scored & ~m, 1) for m in (truth, predicted))
        counts[index] = [
            (band & predicted_band).sum(),
            (band | predicted_band).sum(),
            predicted_contour.sum(),
            where(predicted_contour, contour, tolerance).sum(),
            contour.sum(),
            where(contour, predicted_contour, tolerance).sum(),
        ]
    return counts


@pytest.mark.parametrize("tolerance", [1, 2.5, 4])
def test_counts_are_those_of_the_definitions(tolerance: float) -> None:
    labels, prediction = with_ignored(blobs(0), 1), blobs(2)
    prediction[:6, :9] = IGNORED
    expected = naive_counts(labels, prediction, CLASSES, tolerance)
    assert (expected > 0).all() and (expected[:, 0] < expected[:, 1]).all()
    np.testing.assert_array_equal(boundary_counts(labels, prediction, CLASSES, tolerance), expected)


@pytest.mark.parametrize("tolerance", [1, 3.7])
def test_windows_with_a_margin_add_up_to_the_whole(tolerance: float) -> None:
    labels, prediction = with_ignored(blobs(3), 4), with_ignored(blobs(5), 6)
    whole, around = Window(0, 0, *labels.shape), margin(tolerance)
    total = np.zeros((CLASSES, 6), np.int64)
    bare = np.zeros((CLASSES, 6), np.int64)
    for part in tiles(*labels.shape, size=16):
        grown = Window(part.row - around, part.col - around, part.height + 2 * around, part.width + 2 * around)
        seen = grown.intersect(whole)
        assert seen is not None
        core = part.within(seen).slices
        total += boundary_counts(labels[seen.slices], prediction[seen.slices], CLASSES, tolerance, core)
        bare += boundary_counts(labels[part.slices], prediction[part.slices], CLASSES, tolerance)
    expected = boundary_counts(labels, prediction, CLASSES, tolerance)
    np.testing.assert_array_equal(total, expected)
    assert (bare != expected).any()


def two_halves(height: int, width: int, edge: int) -> np.ndarray:
    labels = np.zeros((height, width), np.uint8)
    labels[:, edge:] = 1
    return labels


def test_scores_of_a_boundary_moved_by_two_pixels() -> None:
    legend = Legend(classes=ISPRS.classes[:2])
    counts = boundary_counts(two_halves(20, 30, 14), two_halves(20, 30, 16), 2, 3)
    scores = boundary_scores(counts, legend, [0, 1], 3, gsd_m=0.5)
    # columns 11 to 13 and 13 to 15 on the left, 14 to 16 and 16 to 18 on the right: one of five in common
    assert [scores.classes[name].iou for name in legend.names] == [1 / 5, 1 / 5]
    assert scores.mean_iou == pytest.approx(1 / 5) and scores.mean_f1 == 1
    assert (scores.tolerance_px, scores.tolerance_m) == (3, 1.5)
    counts = boundary_counts(two_halves(20, 30, 14), two_halves(20, 30, 16), 2, 1)
    scores = boundary_scores(counts, legend, [0, 1], 1, gsd_m=None)
    assert scores.mean_iou == 0 and scores.mean_f1 == 0 and scores.tolerance_m is None


def test_precision_and_recall_are_of_the_contours() -> None:
    labels, prediction = np.zeros((30, 40), np.uint8), np.zeros((30, 40), np.uint8)
    labels[5:10, 5:10] = 1
    labels[20:25, 5:10] = 1
    prediction[5:10, 5:10] = 1  # one of two squares, and another far away
    prediction[10:15, 30:35] = 1
    prediction[20:25, 30:35] = 1
    legend = Legend(classes=ISPRS.classes[:2])
    found = boundary_scores(boundary_counts(labels, prediction, 2, 2), legend, [1], 2, None).classes[legend.names[1]]
    assert (found.precision, found.recall) == (pytest.approx(1 / 3), pytest.approx(1 / 2))
    assert found.f1 == pytest.approx(2 / 5)


def test_neither_borders_nor_ignored_pixels_make_a_boundary() -> None:
    legend = Legend(classes=(*ISPRS.classes[:2], LegendClass(name="absent", colour=(1, 2, 3))))
    labels = np.zeros((12, 17), np.uint8)
    labels[4:8, 6:11] = IGNORED
    counts = boundary_counts(labels, np.zeros_like(labels), 3, 3)
    assert not counts.any()
    labels[:, :2] = 1
    scores = boundary_scores(boundary_counts(labels, labels, 3, 3), legend, [0, 1, 2], 3, None)
    assert [scores.classes[n].iou for n in legend.names] == [1, 1, None]
    assert scores.mean_f1 == 1 and scores.mean_iou == 1
    ignored = labels.copy()
    ignored[:, 2] = IGNORED  # between the classes: the nearest other pixel is two away
    assert boundary_counts(ignored, labels, 3, 1).sum() == 0
    assert boundary_counts(ignored, labels, 3, 2)[0, 0] == 12
