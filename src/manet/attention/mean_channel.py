"""Channel attention whose softmax does not depend on the size of the map. A variant of this project."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from manet.attention.folding import add_product
from manet.attention.summary_module import Place, Summary, SummaryModule, flatten, in_full_precision, sum_dtype
from manet.summaries import SummaryField

EPSILON = 1e-6
"""Least weight of the positions that the energy is divided by."""

SHARPNESS = 4.0
"""Where the factor of the energy starts."""


class MeanChannelAttention(SummaryModule):
    """E = X^T X / n, A = softmax_row(t E), out = X A^T, with a gated residual: X + g * out.

    The energy is a mean over the n positions, where MANet's is a sum: of normalised features it is a matter of
    correlation, and a large map has the softmax that a training patch has. A channel gathers those that are like it.

    Summary: the sum of the energy (batch, channels, channels), and the weight of the positions (batch, 1, 1).
    """

    fields: ClassVar = (SummaryField("energy"), SummaryField("weight"))

    def __init__(self, gate: float = 0.0) -> None:
        """gate: where the gate starts."""
        super().__init__()
        self.gate = nn.Parameter(torch.full((1,), gate))
        self.sharpness = nn.Parameter(torch.full((1,), SHARPNESS))

    def summarise(self, features: Tensor, valid: Tensor | None = None, place: Place | None = None) -> Summary:
        dtype = sum_dtype(features)
        with in_full_precision(features):
            x = flatten(features, dtype)
            weights = torch.ones_like(x[:, :1]) if valid is None else flatten(valid, dtype)
            return torch.einsum("bcn,bdn->bcd", x * weights, x), weights.sum(2, keepdim=True)

    def attend(self, features: Tensor, summary: Summary, place: Place | None = None) -> Tensor:
        dtype = sum_dtype(features)
        with in_full_precision(features):
            energy, weight = summary
            # a map without any valid position has an energy of 0
            mean = energy / weight.clamp_min(EPSILON)
            attention = torch.softmax(mean * self.sharpness, dim=2).to(dtype) * self.gate.to(dtype)
            x = flatten(features, dtype)
            out = add_product(x, attention.transpose(1, 2), x)
        return out.to(features.dtype).view_as(features)
