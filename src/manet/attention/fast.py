"""Fast attention (FAM): the linear transformer's attention on a map. Katharopoulos et al. 2020, Eq. 5 to 7."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import elu

from manet.attention.folding import add_product, fold, sum_products
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
"""Added to the denominator, as in the authors' released code."""


class FastAttention(SummaryModule):
    """Eq. 5 with a gated residual, as in kernel attention: X + g * out, where for position i

    out_i = phi(q_i)^T [sum_j phi(k_j) v_j^T] / (phi(q_i)^T sum_j phi(k_j)),  phi = elu + 1 (Eq. 7).

    V is folded. Summary: the key sum (batch, keys) and phi(K)^T X (batch, keys, channels).
    """

    fields: ClassVar = (SummaryField("key_sum"), SummaryField("key_features"))

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
            keys = elu(flatten(keys, dtype)) + 1
            if valid is not None:
                keys = keys * weights_of(valid, dtype)
            return keys.sum(2), sum_products(keys, flatten(features, dtype))

    def attend(self, features: Tensor, summary: Summary, place: Place | None = None) -> Tensor:
        dtype = sum_dtype(features)
        queries = self.query(features)
        with in_full_precision(features):
            queries = elu(flatten(queries, dtype)) + 1
            key_sum, key_features = (part.to(dtype) for part in summary)
            queries = queries / (torch.einsum("bk,bkn->bn", key_sum, queries).unsqueeze(1) + EPSILON)
            key_values = fold(self.value, key_sum, key_features) * self.gate.to(dtype)
            out = add_product(flatten(features, dtype), key_values, queries)
        return out.to(features.dtype).view_as(features)
