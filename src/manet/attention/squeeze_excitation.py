"""Squeeze-and-excitation (SE): each channel scaled by what the whole map says of it. Hu et al. 2018, Eq. 2 to 4."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from manet.attention.convolution import ConvBlock
from manet.attention.pooling import mean_of, sum_and_weight
from manet.attention.summary_module import Summary, SummaryModule, in_full_precision, sum_dtype

RATIO = 16
"""Of the channels to those in the middle of the excitation."""


class SqueezeExcitation(SummaryModule):
    """X' = ReLU(BN(conv3x3(X))), then s = sigmoid(W2 ReLU(W1 mean(X'))) and out = s * X'.

    Summary: the sum of X' over the positions (batch, channels) and its weight (batch,).
    """

    reach: ClassVar[int] = 1

    def __init__(self, channels: int) -> None:
        super().__init__()
        middle = max(channels // RATIO, 1)
        self.convolution = ConvBlock(channels, channels, 3)
        self.squeeze = nn.Linear(channels, middle, bias=False)
        self.excite = nn.Linear(middle, channels, bias=False)

    def prepare(self, features: Tensor) -> Tensor:
        return self.convolution(features)

    def summarise(self, features: Tensor, valid: Tensor | None = None) -> Summary:
        return sum_and_weight(features, valid)

    def attend(self, features: Tensor, summary: Summary) -> Tensor:
        dtype = sum_dtype(features)
        with in_full_precision(features):
            mean = mean_of(*(part.to(dtype) for part in summary))
            middle = linear(mean, self.squeeze.weight.to(dtype)).relu()
            scale = linear(middle, self.excite.weight.to(dtype)).sigmoid()
        return features * scale[:, :, None, None].to(features.dtype)


def naive(module: SqueezeExcitation, features: Tensor, valid: Tensor | None = None) -> Tensor:
    """Eq. 2 to 4 term by term, after the 3x3 convolution."""
    x = module.convolution(features)
    weights = torch.ones_like(x[:, :1]) if valid is None else valid.to(x.dtype)
    squeezed = (x * weights).sum((2, 3)) / weights.sum((2, 3))
    scale = torch.sigmoid(torch.relu(squeezed @ module.squeeze.weight.T) @ module.excite.weight.T)
    return x * scale.view(*scale.shape, 1, 1)
