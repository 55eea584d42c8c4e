"""The Lovász-softmax loss: a convex stand-in for 1 - IoU. Berman et al. 2018."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from manet.legend import IGNORED


def lovasz(logits: Tensor, labels: Tensor) -> Tensor:
    """The Lovász extension of each class's Jaccard loss at its errors, in the mean over the classes that are in the
    labels (Algorithm 1); 0 where nothing is labelled. Over the labelled pixels of the whole batch.

    A pixel's error is |g - p|, with p the class's probability and g 1 where it is labelled, else 0. The Jaccard loss of
    a set of wrong pixels is its size over the size of its union with the class's. With the errors from large to small,
    each counts by how much its pixel adds to the loss of those before it.

    logits (batch, classes, height, width), labels (batch, height, width) of class indices or IGNORED -> in [0, 1].
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
