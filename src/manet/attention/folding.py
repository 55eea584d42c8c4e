"""Folding V: attention of linear complexity needs sums of its values only, so they are not computed at positions."""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from manet.attention.summary_module import tracing


def sum_products(keys: Tensor, features: Tensor) -> Tensor:
    """sum_j k_j x_j^T.

    Args:
        keys: (batch, keys, positions).
        features: (batch, channels, positions).

    Returns:
        (batch, keys, channels). In memory the channels come before the keys, which is fastest for `weigh`.
    """
    return (features @ keys.transpose(1, 2)).transpose(1, 2)


def fold(value: nn.Conv2d, weight_sum: Tensor, weighted_features: Tensor) -> Tensor:
    """sum_j w_j v_j^T = (sum_j w_j x_j^T) Wv + (sum_j w_j) b_v^T, with v = x Wv + b_v.

    Args:
        value: The 1x1 convolution of x to v, with bias.
        weight_sum: sum_j w_j, (batch, keys).
        weighted_features: sum_j w_j x_j^T, (batch, keys, in channels).

    Returns:
        (batch, keys, out channels).
    """
    assert value.bias is not None
    folded = weigh(value, weighted_features.transpose(1, 2)).transpose(1, 2)
    return torch.addcmul(folded, weight_sum.unsqueeze(2), value.bias.to(weight_sum.dtype))


def weigh(value: nn.Conv2d, columns: Tensor) -> Tensor:
    """Wv times columns, without the bias.

    On a CPU it is computed as a convolution, since that library is up to twice as fast as the one of matrix products.
    Elsewhere convolutions may have lower precision, and in a traced graph this is not a convolution to be quantised.

    Args:
        value: A 1x1 convolution.
        columns: (batch, in channels, columns).

    Returns:
        (batch, out channels, columns), of the columns' type.
    """
    weight = value.weight.to(columns.dtype)
    if tracing() or columns.device.type != "cpu":
        return weight.flatten(1) @ columns
    return conv2d(columns.unsqueeze(3), weight).squeeze(3)


def add_product(x: Tensor, key_values: Tensor, queries: Tensor) -> Tensor:
    """x + key_values^T queries in one pass over memory.

    Args:
        x: (batch, channels, positions).
        key_values: (batch, keys, channels).
        queries: (batch, keys, positions).

    Returns:
        (batch, channels, positions), in the memory format of x.
    """
    if x.stride(1) == 1:  # channels last
        return torch.baddbmm(x.transpose(1, 2), queries.transpose(1, 2), key_values).transpose(1, 2)
    return torch.baddbmm(x, key_values.transpose(1, 2), queries)
