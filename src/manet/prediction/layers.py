"""What is kept of probabilities: classes, shares and uncertainty as layers of bytes, IGNORED where nothing is known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from manet.legend import IGNORED
from manet.prediction.predictor import Floats, classes_of
from manet.raster.writer import FULL

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Layers:
    """Which layers, in this order: the classes, each class's probability, the uncertainty."""

    count: int
    """Of classes."""
    probabilities: bool = False
    uncertainty: bool = False

    @property
    def of_classes(self) -> slice:
        return slice(0, 1)

    @property
    def of_probabilities(self) -> slice:
        return slice(1, 1 + self.count)

    @property
    def of_uncertainty(self) -> slice:
        first = 1 + self.count * self.probabilities
        return slice(first, first + 1)

    def stack(self, probabilities: Floats) -> Bytes:
        """The layers (layers, height, width) of a window's probabilities (classes, height, width)."""
        classes = classes_of(probabilities)
        layers = [classes[None]]
        if self.probabilities:
            layers.append(np.rint(probabilities * FULL).astype(np.uint8))
        if self.uncertainty:
            layers.append(np.rint(entropy(probabilities) * FULL).astype(np.uint8)[None])
        stack = np.concatenate(layers)
        stack[:, classes == IGNORED] = IGNORED
        return stack


def entropy(probabilities: Floats) -> Floats:
    """-sum p ln p / ln classes, (height, width): 0 where one class is certain, 1 where all are alike."""
    logarithms = np.log(np.maximum(probabilities, np.float32(1e-12)))
    share = -(probabilities * logarithms).sum(axis=0) / np.float32(np.log(len(probabilities)))
    return np.clip(share, 0, 1)
