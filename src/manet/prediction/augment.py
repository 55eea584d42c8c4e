"""Test-time augmentation: a network's probabilities averaged over poses of the same images."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from manet.prediction.settings import Augmentation
from manet.prediction.softmax import softmax
from manet.runtime.protocol import Floats, Runtime

SCALES = (0.75, 1.0, 1.25)
"""Of height and width, for `multiscale`; each is taken plain and mirrored left to right."""


@dataclass(frozen=True)
class Pose:
    """Images resized, mirrored left to right where `mirrored`, then turned by quarters counter-clockwise."""

    quarters: int = 0
    mirrored: bool = False
    scale: float = 1.0

    def apply(self, images: Floats, valid: Floats | None) -> tuple[Floats, Floats | None]:
        """Images (batch, bands, height, width) and valid (batch, 1, height, width) in this pose.

        A resized pixel is made of valid pixels only, and is valid where at least half of what it is made of is.
        """
        if self.scale != 1:
            height, width = (max(round(length * self.scale), 1) for length in images.shape[2:])
            if valid is None:
                images = resize(images, height, width)
            else:
                share = resize(valid, height, width)
                images = np.divide(resize(images * valid, height, width), np.maximum(share, 1e-6), dtype=np.float32)
                valid = (share >= 0.5).astype(np.float32)
                images = images * valid
        return self._turn(images), None if valid is None else self._turn(valid)

    def undo(self, probabilities: Floats, height: int, width: int) -> Floats:
        """Probabilities (batch, classes, ...) of this pose back in the pose, height and width of the images."""
        probabilities = np.rot90(probabilities, -self.quarters, (2, 3))
        if self.mirrored:
            probabilities = probabilities[..., ::-1]
        return probabilities if self.scale == 1 else resize(probabilities, height, width)

    def _turn(self, images: Floats) -> Floats:
        turned = np.rot90(images[..., ::-1] if self.mirrored else images, self.quarters, (2, 3))
        return np.ascontiguousarray(turned)


POSES: dict[Augmentation, tuple[Pose, ...]] = {
    "none": (Pose(),),
    "flips": tuple(Pose(quarters, mirrored) for quarters, mirrored in product((0, 2), (False, True))),
    "d4": tuple(Pose(quarters, mirrored) for quarters, mirrored in product(range(4), (False, True))),
    "multiscale": tuple(Pose(mirrored=mirrored, scale=scale) for scale, mirrored in product(SCALES, (False, True))),
}
"""`flips`: none, left to right, top to bottom, both. `d4`: the eight symmetries of the square."""


def probabilities_of(
    runtime: Runtime, images: Floats, valid: Floats | None = None, augmentation: Augmentation = "none"
) -> Floats:
    """The mean of a network's probabilities over the poses of an augmentation, at the cost of as many passes.

    Args:
        images: (batch, bands, height, width).
        valid: (batch, 1, height, width), or None where every pixel is valid.

    Returns:
        (batch, classes, height, width), 0 to 1.
    """
    height, width = images.shape[2:]
    poses = POSES[augmentation]
    total = np.float32(0)
    for pose in poses:
        total = total + pose.undo(softmax(runtime.whole(*pose.apply(images, valid))), height, width)
    return np.asarray(total / np.float32(len(poses)))


def resize(images: Floats, height: int, width: int) -> Floats:
    """Bilinear resizing of (..., height, width); a larger pixel is a weighted mean of those that it covers."""
    rows, columns = _weights(images.shape[-2], height), _weights(images.shape[-1], width)
    return np.matmul(np.matmul(rows, images), columns.T)


def _weights(length: int, target: int) -> NDArray[np.float32]:
    """The share of each of `length` pixels in each of `target` resized ones, (target, length): a triangle as wide as
    two pixels of the coarser grid, around the resized pixel's centre."""
    scale = length / target
    support = max(scale, 1.0)
    centres = (np.arange(target) + 0.5) * scale
    distance = np.abs(np.arange(length) + 0.5 - centres[:, None]) / support
    triangle = np.maximum(1 - distance, 0)
    return (triangle / triangle.sum(axis=1, keepdims=True)).astype(np.float32)
