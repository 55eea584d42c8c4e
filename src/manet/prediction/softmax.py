"""Probabilities of logits."""

import numpy as np

from manet.runtime.protocol import Floats


def softmax(logits: Floats) -> Floats:
    """Probabilities of logits, both (batch, classes, height, width). Not finite where the logits are not."""
    with np.errstate(invalid="ignore"):  # inf - inf: no class
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        shifted /= shifted.sum(axis=1, keepdims=True)
    return shifted
