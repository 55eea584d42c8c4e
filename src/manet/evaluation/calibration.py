"""Calibration: whether a network that is 80 % sure is right in 80 % of the cases."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from manet.legend import IGNORED

BINS = 15
"""Bins of equal width between 0 and 1, as in Guo et al., ICML 2017."""


class CalibrationBin(BaseModel):
    """The pixels whose largest probability lies in one bin."""

    model_config = ConfigDict(frozen=True)

    low: float
    high: float
    pixels: int
    confidence: float | None
    """Mean of the largest probability, 0 to 1; None if the bin is empty."""
    accuracy: float | None
    """Share of the pixels that are predicted rightly, 0 to 1."""


class CalibrationScores(BaseModel):
    """How confidence and accuracy go together."""

    model_config = ConfigDict(frozen=True)

    error: float
    """Expected calibration error, 0 to 1: mean of |accuracy - confidence| over the bins, weighted by their pixels."""
    bins: tuple[CalibrationBin, ...]


class CalibrationCounts:
    """Sums over pixels, from which the calibration follows."""

    def __init__(self) -> None:
        self.pixels, self.right = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)
        self.confidence = np.zeros(BINS)

    def add(self, labels: NDArray[np.uint8], classes: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> None:
        """Count the pixels of a window that are labelled and predicted.

        Args:
            labels: Class indices (height, width), or IGNORED.
            classes: Those of the prediction.
            probabilities: (classes, height, width).
        """
        counted = (labels != IGNORED) & (classes != IGNORED)
        confidence = probabilities.max(axis=0)[counted].astype(np.float64)
        bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
        self.pixels += np.bincount(bins, minlength=BINS)
        self.right += np.bincount(bins[labels[counted] == classes[counted]], minlength=BINS)
        self.confidence += np.bincount(bins, confidence, BINS)

    def result(self) -> CalibrationScores | None:
        """The calibration; None if nothing was counted."""
        total = self.pixels.sum()
        if not total:
            return None
        bins = tuple(
            CalibrationBin(
                low=index / BINS,
                high=(index + 1) / BINS,
                pixels=int(pixels),
                confidence=float(confidence / pixels) if pixels else None,
                accuracy=float(right / pixels) if pixels else None,
            )
            for index, (pixels, right, confidence) in enumerate(
                zip(self.pixels, self.right, self.confidence, strict=True)
            )
        )
        return CalibrationScores(error=_error(bins), bins=bins)


def _error(bins: Sequence[CalibrationBin]) -> float:
    gaps = [abs((b.accuracy or 0) - (b.confidence or 0)) * b.pixels for b in bins]
    return sum(gaps) / sum(b.pixels for b in bins)
