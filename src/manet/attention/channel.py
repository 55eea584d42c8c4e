"""Channel attention (CAM): every channel attends to every other. Li et al. 2021, Fig. 2; from DANet (Fu 2019)."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from manet.attention.folding import add_product
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


class ChannelAttention(SummaryModule):
    """E = X^T X, A = softmax_row(rowmax(E) - E), out = X A^T, with a gated residual: X + g * out.

    Summary: the energy E (batch, channels, channels), a sum over the positions. It grows with the map, so the softmax
    of a large map is sharper than that of a training patch, as in the paper.
    """

    fields: ClassVar = (SummaryField("energy"),)

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(1))

    def summarise(self, features: Tensor, valid: Tensor | None = None, place: Place | None = None) -> Summary:
        dtype = sum_dtype(features)
        with in_full_precision(features):
            x = flatten(features, dtype)
            weighted = x if valid is None else x * weights_of(valid, dtype)
            return (torch.einsum("bcn,bdn->bcd", weighted, x),)

    def attend(self, features: Tensor, summary: Summary, place: Place | None = None) -> Tensor:
        dtype = sum_dtype(features)
        with in_full_precision(features):
            (energy,) = summary
            # softmax is the same whatever constant is added to a row, so rowmax(E) is left out
            attention = torch.softmax(-energy, dim=2).to(dtype) * self.gate.to(dtype)
            x = flatten(features, dtype)
            out = add_product(x, attention.transpose(1, 2), x)
        return out.to(features.dtype).view_as(features)
