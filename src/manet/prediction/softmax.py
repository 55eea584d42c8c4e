"""From logits to probabilities."""

import torch

from manet.runtime.protocol import Floats


def softmax(logits: Floats) -> Floats:
    """Probabilities (batch, classes, height, width) of logits of that shape."""
    return torch.from_numpy(logits).softmax(dim=1).numpy()
