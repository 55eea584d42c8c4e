"""Cross-entropy over the labelled pixels: all of them, or only the hard ones."""

import math
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from manet.legend import IGNORED

HARD_PROBABILITY = 0.7
"""A pixel is hard if the probability of its class is smaller than this."""

HARD_SHARE = 16
"""At least one labelled pixel in 16 counts as hard, as in the authors' released code."""

LARGEST_WEIGHT = 100.0
"""Of a class, so that a handful of pixels cannot dominate a step."""


class Loss(Protocol):
    """A network's own loss: a scalar.

    Args:
        logits: (batch, classes, height, width).
        labels: (batch, height, width), class indices or IGNORED, int64.
        weights: Weight of each class in the means over pixels, (classes,); None: all have weight 1.
        smoothing: Label smoothing, in [0, 1): a pixel's target is 1 - smoothing for its class, plus smoothing spread
            evenly over all classes. Szegedy et al. 2016, Section 7.
    """

    def __call__(
        self, logits: Tensor, labels: Tensor, weights: Tensor | None = None, smoothing: float = 0.0
    ) -> Tensor: ...


def balanced_weights(pixels: Sequence[int]) -> Tensor:
    """Weights in inverse proportion to the pixels of each class.

    Args:
        pixels: Labelled pixels of each class.

    Returns:
        (classes,), float32, at most LARGEST_WEIGHT; 1 for classes without pixels, and for all if they have equally
        many.
    """
    counts = torch.tensor(pixels, dtype=torch.float64)
    weights = counts.sum() / (len(counts) * counts)
    return torch.where(counts > 0, weights, 1.0).clamp(max=LARGEST_WEIGHT).float()


def cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor | None = None, smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy over the labelled pixels; 0 if there are none. Li et al. 2021, Eq. 15, for many classes."""
    if weights is not None:
        shares = _shares(labels, weights)
        return (_of_pixels(logits, labels, smoothing) * shares).sum() / shares.sum().clamp(min=1e-6)
    total = functional.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum", label_smoothing=smoothing)
    return total / (labels != IGNORED).sum().clamp(min=1)


def hard_cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor | None = None, smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy over the hard pixels only (online hard example mining); 0 if nothing is labelled.

    Smoothing does not decide whether a pixel is hard.
    """
    losses = plain = _of_pixels(logits, labels)
    if smoothing:
        losses = _of_pixels(logits, labels, smoothing)
    shares = _shares(labels, plain.new_ones(logits.shape[1]) if weights is None else weights)
    hard = plain > -math.log(HARD_PROBABILITY)
    least = -(-plain.numel() // HARD_SHARE)
    chosen = hard if int(hard.sum()) >= least else plain.topk(least).indices
    return (losses[chosen] * shares[chosen]).sum() / shares[chosen].sum().clamp(min=1e-6)


def _of_pixels(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of each labelled pixel."""
    losses = functional.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="none", label_smoothing=smoothing)
    return losses[labels != IGNORED]


def _shares(labels: Tensor, weights: Tensor) -> Tensor:
    """The weight of the class of each labelled pixel."""
    return weights[labels[labels != IGNORED]]
