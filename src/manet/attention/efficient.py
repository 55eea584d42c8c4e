"""Efficient attention (EAM): a softmax of the queries and one of the keys. Shen et al. 2021, Sec. 3.2."""

from typing import ClassVar

import torch
from torch import Tensor, nn

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


class EfficientAttention(SummaryModule):
    """X + reproject(rho_q(Q) (rho_k(K)^T V)), rho_q a softmax over the channels, rho_k one over the positions.

    No gate, as published. V and the reprojection are both folded into rho_k(K)^T X, so neither is computed at the
    positions. Summary: for each key the parts of its softmax over the positions, which merge: the running maximum
    (batch, keys), the sum of exp(k - maximum) (batch, keys) and exp(K - maximum)^T X (batch, keys, channels).
    """

    fields: ClassVar = (
        SummaryField("maximum", "max"),
        SummaryField("key_sum", "scaled sum", "maximum"),
        SummaryField("key_features", "scaled sum", "maximum"),
    )

    def __init__(self, channels: int) -> None:
        super().__init__()
        keys = max(channels // 8, 1)
        self.query = nn.Conv2d(channels, keys, 1)
        self.key = nn.Conv2d(channels, keys, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.reprojection = nn.Conv2d(channels, channels, 1)

    def summarise(self, features: Tensor, valid: Tensor | None = None, place: Place | None = None) -> Summary:
        dtype = sum_dtype(features)
        keys = self.key(features)
        with in_full_precision(features):
            keys = flatten(keys, dtype)
            weights = torch.ones_like(keys[:, :1]) if valid is None else weights_of(valid, dtype)
            keys = keys.masked_fill(weights == 0, torch.finfo(dtype).min)
            # the softmax does not depend on what is subtracted, so no gradient is needed through it
            maximum = keys.detach().amax(2)
            keys = torch.exp(keys - maximum.unsqueeze(2)) * weights
            return maximum, keys.sum(2), sum_products(keys, flatten(features, dtype))

    def attend(self, features: Tensor, summary: Summary, place: Place | None = None) -> Tensor:
        dtype = sum_dtype(features)
        queries = self.query(features)
        with in_full_precision(features):
            queries = flatten(queries, dtype).softmax(dim=1)
            key_sum, key_features = (part.to(dtype) for part in summary[1:])
            key_values = fold(self.value, key_sum, key_features)
            # both sums are 0 for a map without valid positions
            key_values = key_values / torch.where(key_sum > 0, key_sum, 1).unsqueeze(2)
            # the queries of a position add up to 1, so the bias of the reprojection can be added here
            key_values = fold(self.reprojection, torch.ones_like(key_sum), key_values)
            out = add_product(flatten(features, dtype), key_values, queries)
        return out.to(features.dtype).view_as(features)
