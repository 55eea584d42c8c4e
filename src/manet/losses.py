"""Losses. Ignored labels never count."""

import math
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.functional import avg_pool2d, max_pool2d, pad

from manet.legend import IGNORED

HARD_PROBABILITY = 0.7
"""Pixels whose class has a smaller probability than this are hard."""

HARD_SHARE = 16
"""At least one labelled pixel in so many counts as hard, as in the authors' released code."""

EDGE_WEIGHT = 0.5
"""Of the Dice loss on the edges, beside the 1 of the cross-entropy."""


LARGEST_WEIGHT = 100.0
"""Of a class, so that a handful of pixels cannot rule a step."""


class Loss(Protocol):
    """logits (batch, classes, height, width), labels (batch, height, width) of class indices or IGNORED, weights
    (classes,) of the classes in the means over pixels (None: all alike)."""

    def __call__(self, logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor: ...


def balanced_weights(pixels: Sequence[int]) -> Tensor:
    """A weight a class, in inverse proportion to its pixels; 1 for all where they are alike, or where there is none."""
    counts = torch.tensor(pixels, dtype=torch.float64)
    weights = counts.sum() / (len(counts) * counts)
    return torch.where(counts > 0, weights, 1.0).clamp(max=LARGEST_WEIGHT).float()


def cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean cross-entropy over the labelled pixels; 0 where there is none. Li et al. 2021, Eq. 15, for many classes."""
    if weights is not None:
        losses, shares = _weighted(logits, labels, weights)
        return (losses * shares).sum() / shares.sum().clamp(min=1e-6)
    total = functional.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")
    return total / (labels != IGNORED).sum().clamp(min=1)


def edge_aware(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """EaNet's loss: cross-entropy of the hard pixels + 0.5 Dice of the edges. Zheng et al. 2020."""
    return hard_cross_entropy(logits, labels, weights) + EDGE_WEIGHT * edge_dice(logits, labels)


def hard_cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean cross-entropy over the hard pixels alone (online hard example mining); 0 where nothing is labelled."""
    losses, shares = _weighted(logits, labels, logits.new_ones(logits.shape[1]) if weights is None else weights)
    hard = losses > -math.log(HARD_PROBABILITY)
    least = -(-losses.numel() // HARD_SHARE)
    chosen = hard if int(hard.sum()) >= least else losses.topk(least).indices
    return (losses[chosen] * shares[chosen]).sum() / shares[chosen].sum().clamp(min=1e-6)


def _weighted(logits: Tensor, labels: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of each labelled pixel, and the weight of its class."""
    known = labels != IGNORED
    losses = functional.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="none")[known]
    return losses, weights.to(losses.dtype)[labels[known]]


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


LOSSES: dict[str, Loss] = {"cross-entropy": cross_entropy, "edge-aware": edge_aware}
"""By the names that networks ask for them."""
