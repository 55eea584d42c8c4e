"""EaNet's edge-aware loss. Zheng et al. 2020."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d, pad

from manet.legend import IGNORED
from manet.training.losses.cross_entropy import hard_cross_entropy

EDGE_WEIGHT = 0.5
"""Of the Dice loss on the edges, beside the 1 of the cross-entropy."""


def edge_aware(logits: Tensor, labels: Tensor, weights: Tensor | None = None, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of the hard pixels + 0.5 Dice of the edges."""
    return hard_cross_entropy(logits, labels, weights, smoothing) + EDGE_WEIGHT * edge_dice(logits, labels)


def edge_dice(logits: Tensor, labels: Tensor) -> Tensor:
    """1 - Dice of the predicted and the labelled edges. A pixel with an ignored pixel in its 3x3 does not count.

    Labelled edges are where a class's Laplacian over the 3x3 (radius 1) is not 0: where two classes meet. Predicted
    ones are l / (l + 1), with l the sum of the squared Laplacians of the classes' probabilities.
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
