"""Means over the map, as sums that merge, and the image pooling of ASPP and LKPP."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm

from manet.attention.summary_module import (
    Place,
    Summary,
    SummaryModule,
    flatten,
    in_full_precision,
    sum_dtype,
    weights_of,
)
from manet.summaries import SummaryField


def sum_and_weight(features: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
    """The sum of features over the positions, weighted.

    Args:
        features: (batch, channels, height, width).
        valid: Weight of each position, (batch, 1, height, width); None: all 1.

    Returns:
        The sum (batch, channels) and the sum of the weights (batch,), float32 or better.
    """
    dtype = sum_dtype(features)
    with in_full_precision(features):
        x = flatten(features, dtype)
        if valid is None:
            return x.sum(2), x.new_full((x.shape[0],), x.shape[2])
        weights = weights_of(valid, dtype)
        return (x * weights).sum(2), weights.sum((1, 2))


def mean_of(total: Tensor, weight: Tensor) -> Tensor:
    """A sum (batch, channels) divided by its weight (batch,); 0 where the weight is 0."""
    return total / torch.where(weight > 0, weight, 1).unsqueeze(1)


class PooledNorm(nn.BatchNorm2d):
    """Batch norm of pooled features.

    A batch of one image has one value per channel, which has no variance: the running statistics are used then, in
    training as in evaluation.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002, torch's name
        if self.training and input.numel() == input.shape[1]:
            return batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(input)


class ImagePooling(SummaryModule):
    """The mean over the map, 1x1 convolution, batch norm, ReLU, laid at every position. Chen et al. 2018 (DeepLabV3+).

    features (batch, channels, height, width) -> (batch, out_channels, height, width).
    Summary: the sum over the positions (batch, channels) and the weight of the sum (batch,).
    """

    fields: ClassVar = (SummaryField("sum"), SummaryField("weight"))

    def __init__(self, channels: int, out_channels: int, bias: bool = False) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, out_channels, 1, bias=bias)
        self.norm = PooledNorm(out_channels)

    def summarise(self, features: Tensor, valid: Tensor | None = None, place: Place | None = None) -> Summary:
        return sum_and_weight(features, valid)

    def attend(self, features: Tensor, summary: Summary, place: Place | None = None) -> Tensor:
        dtype = sum_dtype(features)
        mean = mean_of(*(part.to(dtype) for part in summary)).to(features.dtype)
        pooled = self.norm(self.project(mean[:, :, None, None])).relu()
        return pooled.expand(-1, -1, *features.shape[2:])
