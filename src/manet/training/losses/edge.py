"""EaNet's edge-aware loss. Zheng et al. 2020."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d, pad

from manet.legend import IGNORED
from manet.training.losses.cross_entropy import hard_cross_entropy

EDGE_WEIGHT = 0.5
"""Weight of the Dice loss on the edges; the cross-entropy has weight 1."""


def edge_aware(logits: Tensor, labels: Tensor, weights: Tensor | None = None, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of the hard pixels + 0.5 times the Dice loss of the edges. See `Loss` for the arguments."""
    return hard_cross_entropy(logits, labels, weights, smoothing) + EDGE_WEIGHT * edge_dice(logits, labels)


def edge_dice(logits: Tensor, labels: Tensor) -> Tensor:
    """1 - Dice of the predicted and the labelled edges. A pixel with an ignored pixel in its 3x3 does not count.

    A labelled edge is where the Laplacian of a class over the 3x3 is not 0: where two classes meet. The strength of a
    predicted edge is l / (l + 1), with l the sum of the squared Laplacians of the classes' probabilities.

    Args:
        logits: (batch, classes, height, width).
        labels: (batch, height, width), class indices or IGNORED, int64.

    Returns:
        A scalar in [0, 1], float32 or better.
    """
    known = labels.unsqueeze(1).to(torch.promote_types(logits.dtype, torch.float32))
    highest, lowest = max_pool2d(known, 3, 1, 1), -max_pool2d(-known, 3, 1, 1)
    counted = (highest != IGNORED).to(known.dtype)
    labelled = (highest != lowest).to(known.dtype) * counted
    probabilities = logits.to(known.dtype).softmax(dim=1)
    laplacian = 9 * (avg_pool2d(pad(probabilities, (1, 1, 1, 1), mode="replicate"), 3, 1) - probabilities)
    strength = laplacian.square().sum(1, keepdim=True)
    predicted = strength / (strength + 1) * counted
    common, both = (predicted * labelled).sum(), predicted.square().sum() + labelled.sum()
    return 1 - (2 * common + 1) / (both + 1)
