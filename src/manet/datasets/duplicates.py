"""Ground that is shown twice: fingerprints of small squares, chosen by what they hold instead of where they are.

A square of 8 x 8 pixels is hashed at every pixel, and hashes that are divisible by 1024 are kept. Copies of the same
pixels keep the same hashes wherever they are, so a shared tile, crop or overlap shows in shared hashes.
"""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from manet.datasets.manifest import Split

SQUARE, ONE_IN = 8, 1024
"""Height and width of the squares, and one in how many hashes is kept."""

LEAST_VALUES = 24
"""A square must hold this many different pixels, since plain squares are alike without being copies."""

FACTOR = np.uint64(0x9E3779B97F4A7C15)
LEAST_SHARED = 4
"""Fewer shared fingerprints may be chance."""

Position = tuple[str, int, int]
"""The scene, row and column of a square."""


@dataclass(frozen=True)
class Shared:
    """Ground that two splits share."""

    splits: tuple[Split, Split]
    share: float
    """Of the fingerprints of the split with fewer, 0 to 1."""
    count: int
    """Shared fingerprints."""
    places: tuple[Position, Position]
    """One of the shared squares in both splits."""


@dataclass
class Fingerprints:
    """The fingerprints of each split."""

    found: dict[Split, dict[int, Position]] = field(default_factory=lambda: defaultdict(dict))
    """Where each fingerprint is first."""

    def add(
        self, split: Split, scene: str, row: int, col: int, image: NDArray[np.generic], valid: NDArray[np.bool_]
    ) -> None:
        """Take a window.

        Args:
            split: The split it belongs to.
            scene: The scene's name.
            row: First row of the window in the scene.
            col: First column of the window in the scene.
            image: (bands, height, width)
            valid: Which pixels count, (height, width).
        """
        for value, (down, right) in fingerprints(image, valid):
            self.found[split].setdefault(value, (scene, row + down, col + right))

    def shared(self) -> list[Shared]:
        """The pairs of splits that share ground."""
        splits, pairs = list(self.found), []
        for index, first in enumerate(splits):
            for second in splits[index + 1 :]:
                one, other = self.found[first], self.found[second]
                common = one.keys() & other.keys()
                if len(common) >= LEAST_SHARED:
                    value = min(common, key=lambda v: one[v])
                    share = len(common) / min(len(one), len(other))
                    pairs.append(Shared((first, second), share, len(common), (one[value], other[value])))
        return pairs


def fingerprints(image: NDArray[np.generic], valid: NDArray[np.bool_]) -> list[tuple[int, tuple[int, int]]]:
    """The fingerprints of an image.

    Args:
        image: (bands, height, width)
        valid: Which pixels count, (height, width).

    Returns:
        The hashes that are kept, with the row and column of their squares.
    """
    _, height, width = image.shape
    if height < SQUARE or width < SQUARE:
        return []
    pixels = np.zeros((height, width), np.uint64)
    for band in image:
        bits = np.ascontiguousarray(band).view(f"u{band.dtype.itemsize}").astype(np.uint64)
        pixels = _mix(pixels * FACTOR + bits + np.uint64(1))
    pixels[~valid] = 0
    hashes = _mix(_sum_over(_sum_over(pixels, 1, 1), 0, SQUARE))
    found = []
    for row, col in np.argwhere(hashes % np.uint64(ONE_IN) == 0).tolist():
        square = slice(row, row + SQUARE), slice(col, col + SQUARE)
        if valid[square].all() and len(np.unique(pixels[square])) >= LEAST_VALUES:
            found.append((int(hashes[row, col]), (row, col)))
    return found


def _sum_over(values: NDArray[np.uint64], axis: int, step: int) -> NDArray[np.uint64]:
    """Sum each value and the next ones of a square along an axis, times powers of the factor that are `step` apart."""
    length = values.shape[axis] - SQUARE + 1
    total = np.zeros_like(values.take(range(length), axis))
    for index in range(SQUARE):
        total += values.take(range(index, index + length), axis) * _power(step * (index + 1))
    return total


def _power(exponent: int) -> np.uint64:
    return np.uint64(pow(int(FACTOR), exponent, 2**64))


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread each bit over all bits (the finaliser of splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
