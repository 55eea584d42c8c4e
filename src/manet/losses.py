"""Losses. Ignored labels never count."""

from torch import Tensor
from torch.nn import functional

from manet.legend import IGNORED


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy over the labelled pixels; 0 where there is none. Li et al. 2021, Eq. 15, for many classes.

    logits (batch, classes, height, width), labels (batch, height, width) of class indices or IGNORED.
    """
    total = functional.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")
    return total / (labels != IGNORED).sum().clamp(min=1)
