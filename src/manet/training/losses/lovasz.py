"""The Lovász-softmax loss: a convex surrogate of 1 - IoU. Berman et al. 2018."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from manet.legend import IGNORED


def lovasz(logits: Tensor, labels: Tensor) -> Tensor:
    """The Lovász extension of the Jaccard loss, as the mean over the classes that are in the labels (Algorithm 1).

    It is taken over the labelled pixels of the whole batch, and 0 if nothing is labelled. For a class, the error of a
    pixel is |g - p|, with p the probability of the class, and g 1 where it is labelled and 0 elsewhere. The Jaccard
    loss of a set of wrong pixels is the size of the set over the size of its union with the pixels of the class. Errors
    are sorted from large to small, and each counts by how much its pixel adds to the loss of those before it.

    Args:
        logits: (batch, classes, height, width).
        labels: (batch, height, width), class indices or IGNORED, int64.

    Returns:
        A scalar in [0, 1], float32 or better.
    """
    known = labels != IGNORED
    dtype = torch.promote_types(logits.dtype, torch.float32)
    probabilities = logits.to(dtype).softmax(dim=1).movedim(1, 0)[:, known]
    truth = one_hot(labels[known], logits.shape[1]).T
    present = truth.any(dim=1)
    if not bool(present.any()):
        return logits.sum() * 0
    truth, probabilities = truth[present], probabilities[present]
    errors, order = (truth - probabilities).abs().sort(dim=1, descending=True, stable=True)
    truth = truth.gather(1, order)
    wrong = torch.arange(1, truth.shape[1] + 1, device=truth.device)
    union = truth.sum(dim=1, keepdim=True) + (1 - truth).cumsum(dim=1)
    losses = wrong / union.to(dtype)
    return (errors * losses.diff(dim=1, prepend=losses.new_zeros(len(losses), 1))).sum(dim=1).mean()
