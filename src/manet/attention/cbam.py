"""Block attention (CBAM): channels scaled by the whole map, then positions. Woo et al. 2018, Eq. 1 to 3."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from manet.attention.convolution import ConvBlock
from manet.attention.pooling import mean_of, sum_and_weight
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

RATIO = 16
"""The channels divided by this are the hidden units of the shared perceptron."""


class BlockAttention(SummaryModule):
    """X' = ReLU(BN(conv3x3(X))), channels first, then positions:

    X'' = sigmoid(MLP(mean(X')) + MLP(max(X'))) * X',  out = sigmoid(conv7x7([max_c(X''); mean_c(X'')])) * X''.

    Summary: the sum of X' over the positions (batch, channels), the weight of the sum (batch,), and the maximum over
    the positions that have weight (batch, channels).
    """

    reach: ClassVar[int] = 1 + 3

    fields: ClassVar = (SummaryField("sum"), SummaryField("weight"), SummaryField("maximum", "max"))

    def __init__(self, channels: int) -> None:
        super().__init__()
        middle = max(channels // RATIO, 1)
        self.convolution = ConvBlock(channels, channels, 3)
        self.squeeze = nn.Linear(channels, middle, bias=False)
        self.excite = nn.Linear(middle, channels, bias=False)
        self.spatial = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def prepare(self, features: Tensor) -> Tensor:
        return self.convolution(features)

    def summarise(self, features: Tensor, valid: Tensor | None = None, place: Place | None = None) -> Summary:
        x = flatten(features, sum_dtype(features))
        if valid is not None:
            x = x.masked_fill(weights_of(valid, x.dtype) == 0, torch.finfo(x.dtype).min)
        return *sum_and_weight(features, valid), x.amax(2)

    def attend(self, features: Tensor, summary: Summary, place: Place | None = None) -> Tensor:
        dtype = sum_dtype(features)
        with in_full_precision(features):
            total, weight, maximum = (part.to(dtype) for part in summary)
            # a map without valid positions has no maximum; 0 stands for it, as for the mean
            maximum = torch.where(weight.unsqueeze(1) > 0, maximum, 0)
            scale = (self._perceptron(mean_of(total, weight)) + self._perceptron(maximum)).sigmoid()
        features = features * scale[:, :, None, None].to(features.dtype)
        pooled = torch.cat([features.amax(1, keepdim=True), features.mean(1, keepdim=True)], dim=1)
        return features * self.spatial(pooled).sigmoid()

    def _perceptron(self, x: Tensor) -> Tensor:
        return linear(linear(x, self.squeeze.weight.to(x.dtype)).relu(), self.excite.weight.to(x.dtype))
