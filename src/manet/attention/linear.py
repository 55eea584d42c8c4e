"""Linear attention (LAM): the exponential of the softmax to first order. Li et al. 2020, Linear Attention Mechanism."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from manet.attention.folding import fold, sum_products
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

EPSILON = 1e-6
"""Added to the key sum, as in the authors' released code."""


class LinearAttention(SummaryModule):
    """X + g * out with sim(q, k) = 1 + q^T k, q and k of length 1, where for position i

    out_i = (sum_j v_j + q_i^T sum_j k_j v_j^T) / (N + q_i^T sum_j k_j).

    V is folded. Summary: N (batch,), the sum of X (batch, channels), the key sum (batch, keys) and K^T X
    (batch, keys, channels).
    """

    fields: ClassVar = (
        SummaryField("positions"),
        SummaryField("feature_sum"),
        SummaryField("key_sum"),
        SummaryField("key_features"),
    )

    def __init__(self, channels: int) -> None:
        super().__init__()
        keys = max(channels // 8, 1)
        self.query = nn.Conv2d(channels, keys, 1)
        self.key = nn.Conv2d(channels, keys, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gate = nn.Parameter(torch.zeros(1))

    def summarise(self, features: Tensor, valid: Tensor | None = None, place: Place | None = None) -> Summary:
        dtype = sum_dtype(features)
        keys = self.key(features)
        with in_full_precision(features):
            x, keys = flatten(features, dtype), normalize(flatten(keys, dtype), dim=1)
            weights = torch.ones_like(keys[:, :1]) if valid is None else weights_of(valid, dtype)
            keys = keys * weights
            positions, feature_sum = weights.sum((1, 2)), (x @ weights.transpose(1, 2)).flatten(1)
            return positions, feature_sum, keys.sum(2), sum_products(keys, x)

    def attend(self, features: Tensor, summary: Summary, place: Place | None = None) -> Tensor:
        dtype = sum_dtype(features)
        queries = self.query(features)
        with in_full_precision(features):
            queries = normalize(flatten(queries, dtype), dim=1)
            positions, feature_sum, key_sum, key_features = (part.to(dtype) for part in summary)
            positions = positions.unsqueeze(1)
            value_sum = fold(self.value, positions, feature_sum.unsqueeze(1)).transpose(1, 2)
            key_values = fold(self.value, key_sum, key_features)
            numerator = torch.baddbmm(value_sum, key_values.transpose(1, 2), queries)
            # N is 0 for a map without valid positions; the numerator is 0 then, too
            denominator = positions.clamp(min=EPSILON) + torch.einsum("bk,bkn->bn", key_sum + EPSILON, queries)
            out = flatten(features, dtype) + numerator * self.gate.to(dtype) / denominator.unsqueeze(1)
        return out.to(features.dtype).view_as(features)
