"""The Dice loss: it compares overlaps rather than pixels, so a small class counts as much as a large one."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from manet.legend import IGNORED


def dice(logits: Tensor, labels: Tensor) -> Tensor:
    """1 - the soft Dice coefficient, as the mean over the classes that are in the labels; 0 if nothing is labelled.

    The coefficient of a class is 2 sum p g / (sum p^2 + sum g^2), over the labelled pixels of the whole batch, with p
    its probability, and g 1 where it is labelled and 0 elsewhere. Milletari et al. 2016.

    Args:
        logits: (batch, classes, height, width).
        labels: (batch, height, width), class indices or IGNORED, int64.

    Returns:
        A scalar in [0, 1], float32 or better.
    """
    known = (labels != IGNORED).unsqueeze(1)
    probabilities = logits.to(torch.promote_types(logits.dtype, torch.float32)).softmax(dim=1) * known
    truth = one_hot(torch.where(labels != IGNORED, labels, 0), logits.shape[1]).movedim(-1, 1) * known
    of_class = (0, 2, 3)
    pixels = truth.sum(of_class)
    common, both = (probabilities * truth).sum(of_class), probabilities.square().sum(of_class) + pixels
    present = pixels > 0
    return ((1 - 2 * common / both.clamp(min=1)) * present).sum() / present.sum().clamp(min=1)
