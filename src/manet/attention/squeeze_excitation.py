"""Squeeze-and-excitation (SE): each channel is scaled by the means over the whole map. Hu et al. 2018, Eq. 2 to 4."""

from typing import ClassVar

from torch import Tensor, nn
from torch.nn.functional import linear

from manet.attention.convolution import ConvBlock
from manet.attention.pooling import mean_of, sum_and_weight
from manet.attention.summary_module import Place, Summary, SummaryModule, in_full_precision, sum_dtype
from manet.summaries import SummaryField

RATIO = 16
"""The channels divided by this are the hidden units of the excitation."""


class SqueezeExcitation(SummaryModule):
    """X' = ReLU(BN(conv3x3(X))), then s = sigmoid(W2 ReLU(W1 mean(X'))) and out = s * X'.

    Summary: the sum of X' over the positions (batch, channels) and the weight of the sum (batch,).
    """

    reach: ClassVar[int] = 1

    fields: ClassVar = (SummaryField("sum"), SummaryField("weight"))

    def __init__(self, channels: int) -> None:
        super().__init__()
        middle = max(channels // RATIO, 1)
        self.convolution = ConvBlock(channels, channels, 3)
        self.squeeze = nn.Linear(channels, middle, bias=False)
        self.excite = nn.Linear(middle, channels, bias=False)

    def prepare(self, features: Tensor) -> Tensor:
        return self.convolution(features)

    def summarise(self, features: Tensor, valid: Tensor | None = None, place: Place | None = None) -> Summary:
        return sum_and_weight(features, valid)

    def attend(self, features: Tensor, summary: Summary, place: Place | None = None) -> Tensor:
        dtype = sum_dtype(features)
        with in_full_precision(features):
            mean = mean_of(*(part.to(dtype) for part in summary))
            middle = linear(mean, self.squeeze.weight.to(dtype)).relu()
            scale = linear(middle, self.excite.weight.to(dtype)).sigmoid()
        return features * scale[:, :, None, None].to(features.dtype)
