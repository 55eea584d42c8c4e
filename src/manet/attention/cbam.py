"""Block attention (CBAM): channels scaled by the whole map, then positions. Woo et al. 2018, Eq. 1 to 3."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from manet.attention.convolution import ConvBlock
from manet.attention.pooling import mean_of, sum_and_weight
from manet.attention.summary_module import Summary, SummaryModule, flatten, in_full_precision, sum_dtype

RATIO = 16
"""Of the channels to those in the middle of the shared perceptron."""


class BlockAttention(SummaryModule):
    """X' = ReLU(BN(conv3x3(X))), channels first, then positions:

    X'' = sigmoid(MLP(mean(X')) + MLP(max(X'))) * X',  out = sigmoid(conv7x7([max_c(X''); mean_c(X'')])) * X''.

    Summary: of X', the sum over the positions (batch, channels), its weight (batch,), and the maximum over the
    positions that have weight (batch, channels).
    """

    reach: ClassVar[int] = 1 + 3

    def __init__(self, channels: int) -> None:
        super().__init__()
        middle = max(channels // RATIO, 1)
        self.convolution = ConvBlock(channels, channels, 3)
        self.squeeze = nn.Linear(channels, middle, bias=False)
        self.excite = nn.Linear(middle, channels, bias=False)
        self.spatial = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def prepare(self, features: Tensor) -> Tensor:
        return self.convolution(features)

    def summarise(self, features: Tensor, valid: Tensor | None = None) -> Summary:
        x = flatten(features, sum_dtype(features))
        if valid is not None:
            x = x.masked_fill(flatten(valid, x.dtype) == 0, torch.finfo(x.dtype).min)
        return *sum_and_weight(features, valid), x.amax(2)

    def merge(self, a: Summary, b: Summary) -> Summary:
        return a[0] + b[0], a[1] + b[1], torch.maximum(a[2], b[2])

    def attend(self, features: Tensor, summary: Summary) -> Tensor:
        dtype = sum_dtype(features)
        with in_full_precision(features):
            total, weight, maximum = (part.to(dtype) for part in summary)
            # a map without any valid position has no maximum; 0, as for the mean
            maximum = torch.where(weight.unsqueeze(1) > 0, maximum, 0)
            scale = (self._perceptron(mean_of(total, weight)) + self._perceptron(maximum)).sigmoid()
        features = features * scale[:, :, None, None].to(features.dtype)
        pooled = torch.cat([features.amax(1, keepdim=True), features.mean(1, keepdim=True)], dim=1)
        return features * self.spatial(pooled).sigmoid()

    def _perceptron(self, x: Tensor) -> Tensor:
        return linear(linear(x, self.squeeze.weight.to(x.dtype)).relu(), self.excite.weight.to(x.dtype))


def naive(module: BlockAttention, features: Tensor, valid: Tensor | None = None) -> Tensor:
    """Eq. 1 to 3 term by term, after the 3x3 convolution; position by position in the 7x7."""
    x = module.convolution(features)
    weights = torch.ones_like(x[:, :1]) if valid is None else valid.to(x.dtype)
    mean = (x * weights).sum((2, 3)) / weights.sum((2, 3))
    maximum = torch.where(weights > 0, x, -torch.inf).amax((2, 3))
    w0, w1 = module.squeeze.weight.T, module.excite.weight.T
    x = x * torch.sigmoid(torch.relu(mean @ w0) @ w1 + torch.relu(maximum @ w0) @ w1).view(*x.shape[:2], 1, 1)
    pooled = torch.stack([x.amax(1), x.mean(1)], dim=1)
    pooled = torch.nn.functional.pad(pooled, (3, 3, 3, 3))
    windows = pooled.unfold(2, 7, 1).unfold(3, 7, 1)
    return x * torch.sigmoid(torch.einsum("bphwij,pij->bhw", windows, module.spatial.weight[0])).unsqueeze(1)
