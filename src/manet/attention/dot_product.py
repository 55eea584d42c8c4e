"""Dot-product attention, which kernel attention approximates. Li et al. 2021, Eq. 1 to 4, Fig. 1."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

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


class DotProductAttention(SummaryModule):
    """out = softmax_row(Q K^T) V with a gated residual: X + g * out. No 1 / sqrt(d), as in the paper.

    O(N^2) time. Its softmax runs over the positions separately for every query, so nothing smaller than all keys and
    values can stand for the map. Summary: keys (batch, keys, positions), values (batch, channels, positions) and the
    logarithms of the weights (batch, 1, positions); merging concatenates them. It grows with the map, so scenes of any
    size are out of reach (`bounded` is False).
    """

    fields: ClassVar = tuple(SummaryField(name, "concatenation") for name in ("keys", "values", "log_weights"))

    def __init__(self, channels: int) -> None:
        super().__init__()
        keys = max(channels // 8, 1)
        self.query = nn.Conv2d(channels, keys, 1)
        self.key = nn.Conv2d(channels, keys, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gate = nn.Parameter(torch.zeros(1))

    def summarise(self, features: Tensor, valid: Tensor | None = None, place: Place | None = None) -> Summary:
        dtype = sum_dtype(features)
        keys, values = flatten(self.key(features), dtype), flatten(self.value(features), dtype)
        weights = torch.ones_like(keys[:, :1]) if valid is None else weights_of(valid, dtype)
        # a finite floor, so that a map without valid positions gives no NaN
        return keys, values, weights.log().clamp(min=torch.finfo(dtype).min)

    def attend(self, features: Tensor, summary: Summary, place: Place | None = None) -> Tensor:
        dtype = sum_dtype(features)
        queries = self.query(features)
        with in_full_precision(features):
            keys, values, log_weights = (part.to(dtype).transpose(1, 2) for part in summary)
            queries = flatten(queries, dtype).transpose(1, 2)
            mask = log_weights.transpose(1, 2).expand(-1, queries.shape[1], -1)
            out = scaled_dot_product_attention(queries, keys, values, attn_mask=mask, scale=1.0)
            out = flatten(features, dtype) + self.gate.to(dtype) * out.transpose(1, 2)
        return out.to(features.dtype).view_as(features)
