"""Test-time augmentation: a network's probabilities averaged over poses of the same images."""

from dataclasses import dataclass
from itertools import product
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from manet.prediction.predict import Predictor

Augmentation = Literal["none", "flips", "d4", "multiscale"]

SCALES = (0.75, 1.0, 1.25)
"""Of height and width, for `multiscale`; each is taken plain and mirrored left to right."""


@dataclass(frozen=True)
class Pose:
    """Images resized, mirrored left to right where `mirrored`, then turned by quarters counter-clockwise."""

    quarters: int = 0
    mirrored: bool = False
    scale: float = 1.0

    def apply(self, images: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """images (batch, bands, height, width) and valid (batch, 1, height, width) in this pose.

        A resized pixel is made of valid pixels alone, and is valid where at least half of what it is made of is.
        """
        if self.scale != 1:
            size = tuple(max(round(length * self.scale), 1) for length in images.shape[2:])
            if valid is None:
                images = _resize(images, size)
            else:
                share = _resize(valid, size)
                images = _resize(images * valid, size) / share.clamp_min(1e-6)
                valid = (share >= 0.5).to(images.dtype)
                images = images * valid
        return self._turn(images), None if valid is None else self._turn(valid)

    def undo(self, probabilities: Tensor, height: int, width: int) -> Tensor:
        """Probabilities (batch, classes, ...) of this pose back in the pose, height and width of the images."""
        probabilities = torch.rot90(probabilities, -self.quarters, (2, 3))
        if self.mirrored:
            probabilities = probabilities.flip(3)
        return probabilities if self.scale == 1 else _resize(probabilities, (height, width))

    def _turn(self, images: Tensor) -> Tensor:
        return torch.rot90(images.flip(3) if self.mirrored else images, self.quarters, (2, 3))


POSES: dict[Augmentation, tuple[Pose, ...]] = {
    "none": (Pose(),),
    "flips": tuple(Pose(quarters, mirrored) for quarters, mirrored in product((0, 2), (False, True))),
    "d4": tuple(Pose(quarters, mirrored) for quarters, mirrored in product(range(4), (False, True))),
    "multiscale": tuple(Pose(mirrored=mirrored, scale=scale) for scale, mirrored in product(SCALES, (False, True))),
}
"""`flips`: none, left to right, top to bottom, both. `d4`: the eight symmetries of the square."""


def augmented(network: Predictor, augmentation: Augmentation) -> Predictor:
    """A network that averages the probabilities of `network` over the poses, at the cost of as many passes.

    It gives the logarithms of the means, so that softmax gives the means themselves. With "none" it is `network`.
    """
    poses = POSES[augmentation]
    if poses == (Pose(),):
        return network

    def mean(images: Tensor, valid: Tensor | None) -> Tensor:
        height, width = images.shape[2:]
        total = torch.zeros(())
        for pose in poses:
            probabilities = network(*pose.apply(images, valid)).float().softmax(dim=1)
            total = total.to(probabilities.device) + pose.undo(probabilities, height, width)
        return (total / len(poses)).clamp_min(torch.finfo(torch.float32).tiny).log()

    return mean


def _resize(images: Tensor, size: tuple[int, ...]) -> Tensor:
    return interpolate(images, size, mode="bilinear", antialias=True)
