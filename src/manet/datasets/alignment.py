"""Whether labels lie where the image has its edges: the correlation of both, over small shifts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from manet.legend import IGNORED

REACH = 12
"""Largest shift that is looked at, pixels."""

LEAST_EDGES = 200
"""Pixels of label edges below which nothing can be said."""

LEAST_CORRELATION, LEAST_GAIN, LEAST_SHIFT = 0.05, 1.25, 2.0
"""A shift counts where edges fit that well, that much better than unshifted, that many pixels away."""


@dataclass(frozen=True)
class Alignment:
    """Of a scene: the shift of the labels, in rows and columns, at which their edges fit the image's best."""

    scene: str
    rows: int
    cols: int
    correlation: float
    """Mean gradient under the label edges at the best shift, in standard deviations above the image's mean."""
    unshifted: float
    """The same without shift."""

    @property
    def is_off(self) -> bool:
        far = (self.rows**2 + self.cols**2) ** 0.5 >= LEAST_SHIFT
        return far and self.correlation >= LEAST_CORRELATION and self.correlation >= LEAST_GAIN * self.unshifted


class EdgeFit:
    """Sums the fit of label edges to image edges over windows of a scene."""

    def __init__(self) -> None:
        self.total, self.edges = np.zeros((2 * REACH + 1, 2 * REACH + 1)), 0

    def add(self, image: NDArray[np.generic], valid: NDArray[np.bool_], labels: NDArray[np.uint8]) -> None:
        """image: (bands, height, width); valid and labels: (height, width)."""
        known = valid & (labels != IGNORED)
        grey = np.where(valid, image.astype(np.float64).mean(axis=0), 0)
        for axis in (0, 1):
            steps = abs(np.diff(grey, axis=axis))
            seen = _pairs(valid, axis)
            edges = (np.diff(labels.astype(np.int16), axis=axis) != 0) & _pairs(known, axis)
            edges[:REACH], edges[-REACH:], edges[:, :REACH], edges[:, -REACH:] = False, False, False, False
            if not edges.any() or not seen.any():
                continue
            steps = np.minimum(steps, np.percentile(steps[seen], 98))  # a few hard edges would decide alone
            spread = steps[seen].std()
            if spread > 0:
                self.total += _correlate(edges, np.where(seen, (steps - steps[seen].mean()) / spread, 0))
                self.edges += int(edges.sum())

    def best(self, scene: str) -> Alignment | None:
        """None where there are too few edges."""
        if self.edges < LEAST_EDGES:
            return None
        fit = self.total / self.edges
        row, col = np.unravel_index(fit.argmax(), fit.shape)
        return Alignment(scene, int(row) - REACH, int(col) - REACH, float(fit.max()), float(fit[REACH, REACH]))


def _pairs(flags: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    """Where a pixel and the next along an axis both are."""
    one, other = (flags[:-1], flags[1:]) if axis == 0 else (flags[:, :-1], flags[:, 1:])
    return one & other


def _correlate(edges: NDArray[np.bool_], steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of the steps under the edges, for edges shifted by -REACH to REACH rows and columns.

    Edges keep REACH from the rim, so that going round it does not matter.
    """
    product = np.fft.irfft2(np.conj(np.fft.rfft2(edges)) * np.fft.rfft2(steps), s=edges.shape)
    shifts = np.arange(-REACH, REACH + 1)
    return product[np.ix_(shifts, shifts)]
