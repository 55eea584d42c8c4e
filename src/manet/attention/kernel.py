"""Kernel attention (KAM): attention of linear complexity with softplus features. Li et al. 2021, Eq. 8 to 11."""

from functools import cache
from importlib.util import find_spec
from typing import ClassVar

import torch
from torch import Tensor, nn

from manet.attention.folding import add_product, fold, sum_products, weigh
from manet.attention.softplus import softplus
from manet.attention.summary_module import (
    Place,
    Summary,
    SummaryModule,
    flatten,
    in_full_precision,
    sum_dtype,
    tracing,
    weights_of,
)
from manet.summaries import SummaryField

EPSILON = 1e-6
"""Added to the key sum, as in the authors' released code."""


class KernelAttention(SummaryModule):
    """Eq. 11 with a gated residual: X + g * out, where for position i

    out_i = phi(q_i)^T [sum_j phi(k_j) v_j^T] / (phi(q_i)^T sum_j phi(k_j)),  phi = softplus.

    V is folded: sum_j phi(k_j) v_j^T = (phi(K)^T X) Wv + (sum_j phi(k_j)) b_v^T, so V over the positions is never
    computed. Summary: the key sum (batch, keys) and phi(K)^T X (batch, keys, channels).
    """

    fields: ClassVar = (SummaryField("key_sum"), SummaryField("key_features"))

    def __init__(self, channels: int, gate: float = 0.0) -> None:
        """channels: of the features. gate: where the gate starts."""
        super().__init__()
        keys = max(channels // 8, 1)
        self.query = nn.Conv2d(channels, keys, 1)
        self.key = nn.Conv2d(channels, keys, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gate = nn.Parameter(torch.full((1,), gate))

    def summarise(self, features: Tensor, valid: Tensor | None = None, place: Place | None = None) -> Summary:
        dtype = sum_dtype(features)
        if fuses(features):
            from manet.attention import fused

            weights = None if valid is None else weights_of(valid, dtype).squeeze(1)
            return fused.summarise(flatten(features, features.dtype), *_layer(self.key), weights)
        keys = self.key(features)
        with in_full_precision(features):
            keys = softplus(flatten(keys, dtype))
            if valid is not None:
                keys = keys * weights_of(valid, dtype)
            return keys.sum(2), sum_products(keys, flatten(features, dtype))

    def attend(self, features: Tensor, summary: Summary, place: Place | None = None) -> Tensor:
        dtype = sum_dtype(features)
        if fuses(features):
            return self._attend_fused(features, summary)
        queries = self.query(features)
        with in_full_precision(features):
            queries, x = softplus(flatten(queries, dtype)), flatten(features, dtype)
            key_sum, key_features = (part.to(dtype) for part in summary)
            # quotient and gate are applied to the queries, which have an eighth of the channels
            scale = self.gate.to(dtype) / torch.einsum("bk,bkn->bn", key_sum + EPSILON, queries)
            queries = queries * scale.unsqueeze(1)
            if self._fewer_positions_than_keys(queries):
                out = x + self._values_at_positions(queries, key_sum, key_features)
            else:
                out = add_product(x, fold(self.value, key_sum, key_features), queries)
        return out.to(features.dtype).view_as(features)

    def _attend_fused(self, features: Tensor, summary: Summary) -> Tensor:
        from manet.attention import fused

        with in_full_precision(features):
            key_sum, key_features = (part.float() for part in summary)
            x, key_values = flatten(features, features.dtype), fold(self.value, key_sum, key_features)
            return fused.attend(x, *_layer(self.query), self.gate, key_sum + EPSILON, key_values).view_as(features)

    @staticmethod
    def _fewer_positions_than_keys(queries: Tensor) -> bool:
        """Whether V is cheaper at the positions than folded. A traced graph serves all sizes, so it is folded there."""
        return not tracing() and queries.shape[2] < queries.shape[1]

    def _values_at_positions(self, queries: Tensor, key_sum: Tensor, key_features: Tensor) -> Tensor:
        """The sum over the keys first, then V of it: the same result by operations that grow with the positions."""
        assert self.value.bias is not None
        attended = torch.einsum("bkc,bkn->bcn", key_features, queries)
        share = torch.einsum("bk,bkn->bn", key_sum, queries).unsqueeze(1)
        return weigh(self.value, attended) + self.value.bias.to(queries.dtype).unsqueeze(1) * share


def fuses(features: Tensor) -> bool:
    """Whether the fused kernels compute attention to these features: on CUDA, where Triton is installed."""
    return features.is_cuda and features.dtype != torch.float64 and not tracing() and _triton_is_installed()


@cache
def _triton_is_installed() -> bool:
    return find_spec("triton") is not None


def _layer(convolution: nn.Conv2d) -> tuple[Tensor, Tensor]:
    """Weight (out channels, in channels) and bias of a 1x1 convolution."""
    assert convolution.bias is not None
    return convolution.weight.flatten(1), convolution.bias
