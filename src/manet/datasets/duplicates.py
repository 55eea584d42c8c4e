"""Ground that appears twice: fingerprints of small patches that are picked by what they hold, not by where they are.

A patch of 8 x 8 pixels is hashed at every pixel; those whose hash is divisible by 1024 are kept. Copies of the same
pixels keep the same patches wherever they lie, so a shared tile, crop or overlap shows as shared hashes.
"""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from manet.datasets.manifest import Split

PATCH, ONE_IN = 8, 1024
LEAST_VALUES = 24
"""Different pixels that a patch must hold; plain patches are alike without being copies."""

FACTOR = np.uint64(0x9E3779B97F4A7C15)
LEAST_SHARED = 4
"""Shared fingerprints below which chance is as good an explanation."""

Place = tuple[str, int, int]
"""Scene, row and column of a patch."""


@dataclass(frozen=True)
class Shared:
    """What two splits have in common: the share of the smaller one's fingerprints, and one of the places."""

    splits: tuple[Split, Split]
    share: float
    count: int
    places: tuple[Place, Place]


@dataclass
class Fingerprints:
    """The fingerprints of each split, each with its first place."""

    found: dict[Split, dict[int, Place]] = field(default_factory=lambda: defaultdict(dict))

    def add(
        self, split: Split, scene: str, row: int, col: int, image: NDArray[np.generic], valid: NDArray[np.bool_]
    ) -> None:
        """Takes a window's image (bands, height, width), whose first pixel is at a row and column of a scene."""
        for value, (down, right) in fingerprints(image, valid):
            self.found[split].setdefault(value, (scene, row + down, col + right))

    def shared(self) -> list[Shared]:
        """Pairs of splits that share ground."""
        splits, pairs = list(self.found), []
        for index, first in enumerate(splits):
            for second in splits[index + 1 :]:
                one, other = self.found[first], self.found[second]
                common = one.keys() & other.keys()
                if len(common) >= LEAST_SHARED:
                    places = [one[value] for value in common]
                    value = min(common, key=lambda v: one[v])
                    share = len(places) / min(len(one), len(other))
                    pairs.append(Shared((first, second), share, len(common), (one[value], other[value])))
        return pairs


def fingerprints(image: NDArray[np.generic], valid: NDArray[np.bool_]) -> list[tuple[int, tuple[int, int]]]:
    """Hashes of the picked patches of an image, and their rows and columns."""
    _, height, width = image.shape
    if height < PATCH or width < PATCH:
        return []
    pixels = np.zeros((height, width), np.uint64)
    for band in image:
        bits = np.ascontiguousarray(band).view(f"u{band.dtype.itemsize}").astype(np.uint64)
        pixels = _mix(pixels * FACTOR + bits + np.uint64(1))
    pixels[~valid] = 0
    hashes = _mix(_sum_over(_sum_over(pixels, 1, 1), 0, PATCH))
    picked = np.argwhere(hashes % np.uint64(ONE_IN) == 0)
    kept = [(r, c) for r, c in picked.tolist() if len(np.unique(pixels[r : r + PATCH, c : c + PATCH])) >= LEAST_VALUES]
    whole = [(r, c) for r, c in kept if valid[r : r + PATCH, c : c + PATCH].all()]
    return [(int(hashes[place]), place) for place in whole]


def _sum_over(values: NDArray[np.uint64], axis: int, step: int) -> NDArray[np.uint64]:
    """Each value and those after it in a patch along an axis, times powers of the factor that are `step` apart."""
    length = values.shape[axis] - PATCH + 1
    total = np.zeros_like(values.take(range(length), axis))
    for index in range(PATCH):
        total += values.take(range(index, index + length), axis) * _power(step * (index + 1))
    return total


def _power(exponent: int) -> np.uint64:
    return np.uint64(pow(int(FACTOR), exponent, 2**64))


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spreads each bit over all (the finaliser of splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
