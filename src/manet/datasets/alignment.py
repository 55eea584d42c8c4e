"""Whether labels have their edges where the image has its edges: how well they fit, for small shifts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from manet.legend import IGNORED

REACH = 12
"""Largest shift that is tried, pixels."""

LEAST_EDGES = 200
"""With fewer pixels of label edges nothing can be said."""

LEAST_FIT, LEAST_GAIN, LEAST_SHIFT = 0.05, 1.25, 2.0
"""Labels are off if their edges fit at least this well at the best shift, this many times better than without a shift,
and at least this many pixels away."""


@dataclass(frozen=True)
class Alignment:
    """The shift of a scene's labels at which their edges fit the image's edges best."""

    scene: str
    rows: int
    """Shift downwards, pixels."""
    cols: int
    """Shift to the right, pixels."""
    fit: float
    """Mean gradient of the image at the shifted label edges, in standard deviations above its mean."""
    unshifted: float
    """The same without a shift."""

    @property
    def is_off(self) -> bool:
        """Whether the labels are probably misaligned."""
        far = (self.rows**2 + self.cols**2) ** 0.5 >= LEAST_SHIFT
        return far and self.fit >= LEAST_FIT and self.fit >= LEAST_GAIN * self.unshifted


class EdgeFit:
    """How well the label edges of a scene fit its image edges, summed over windows."""

    def __init__(self) -> None:
        """Start with no window."""
        self.total, self.edges = np.zeros((2 * REACH + 1, 2 * REACH + 1)), 0

    def add(self, image: NDArray[np.generic], valid: NDArray[np.bool_], labels: NDArray[np.uint8]) -> None:
        """Take a window.

        Args:
            image: (bands, height, width)
            valid: Which pixels count, (height, width).
            labels: Class indices or IGNORED, (height, width).
        """
        known = valid & (labels != IGNORED)
        grey = np.where(valid, image.astype(np.float64).mean(axis=0), 0)
        for axis in (0, 1):
            steps = abs(np.diff(grey, axis=axis))
            seen = _pairs(valid, axis)
            edges = (np.diff(labels.astype(np.int16), axis=axis) != 0) & _pairs(known, axis)
            edges[:REACH], edges[-REACH:], edges[:, :REACH], edges[:, -REACH:] = False, False, False, False
            if not edges.any() or not seen.any():
                continue
            steps = np.minimum(steps, np.percentile(steps[seen], 98))  # otherwise a few hard edges would decide
            spread = steps[seen].std()
            if spread > 0:
                self.total += _correlate(edges, np.where(seen, (steps - steps[seen].mean()) / spread, 0))
                self.edges += int(edges.sum())

    def best(self, scene: str) -> Alignment | None:
        """The best shift of the scene with this name; None if there are too few edges."""
        if self.edges < LEAST_EDGES:
            return None
        fit = self.total / self.edges
        row, col = np.unravel_index(fit.argmax(), fit.shape)
        return Alignment(scene, int(row) - REACH, int(col) - REACH, float(fit.max()), float(fit[REACH, REACH]))


def _pairs(flags: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    """Where a pixel and the next one along an axis both have the flag."""
    one, other = (flags[:-1], flags[1:]) if axis == 0 else (flags[:, :-1], flags[:, 1:])
    return one & other


def _correlate(edges: NDArray[np.bool_], steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum the steps at the edges, with the edges shifted by -REACH to REACH rows and columns.

    No edge is closer than REACH to the border, so it does not matter that the shift is circular.
    """
    product = np.fft.irfft2(np.conj(np.fft.rfft2(edges)) * np.fft.rfft2(steps), s=edges.shape)
    shifts = np.arange(-REACH, REACH + 1)
    return product[np.ix_(shifts, shifts)]
