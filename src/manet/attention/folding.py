"""V folded: what attention of linear complexity needs of its values, without computing them at every position."""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from manet.attention.summary_module import tracing


def sum_products(keys: Tensor, features: Tensor) -> Tensor:
    """sum_j k_j x_j^T (batch, keys, channels), of keys (batch, keys, positions), features (batch, channels, positions).

    In memory the channels come before the keys, as `weigh` likes them best.
    """
    return (features @ keys.transpose(1, 2)).transpose(1, 2)


def fold(value: nn.Conv2d, weight_sum: Tensor, weighted_features: Tensor) -> Tensor:
    """sum_j w_j v_j^T = (sum_j w_j x_j^T) Wv + (sum_j w_j) b_v^T, with v = x Wv + b_v a 1x1 convolution.

    weight_sum (batch, keys), weighted_features (batch, keys, in channels) -> (batch, keys, out channels).
    """
    assert value.bias is not None
    folded = weigh(value, weighted_features.transpose(1, 2)).transpose(1, 2)
    return torch.addcmul(folded, weight_sum.unsqueeze(2), value.bias.to(weight_sum.dtype))


def weigh(value: nn.Conv2d, columns: Tensor) -> Tensor:
    """Wv of columns (batch, in channels, columns), without the bias, in the columns' type.

    On a CPU by convolution, whose library is up to twice as fast as that of matrix products; elsewhere convolutions
    may be of lower precision, and in a traced graph this is none of those to quantise.
    """
    weight = value.weight.to(columns.dtype)
    if tracing() or columns.device.type != "cpu":
        return weight.flatten(1) @ columns
    return conv2d(columns.unsqueeze(3), weight).squeeze(3)


def add_product(x: Tensor, key_values: Tensor, queries: Tensor) -> Tensor:
    """x + key_values^T queries in one pass over memory.

    key_values (batch, keys, channels), queries (batch, keys, positions); x (batch, channels, positions), whose memory
    format is the output's.
    """
    if x.stride(1) == 1:  # channels last
        return torch.baddbmm(x.transpose(1, 2), queries.transpose(1, 2), key_values).transpose(1, 2)
    return torch.baddbmm(x, key_values.transpose(1, 2), queries)
