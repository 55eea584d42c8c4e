"""Kernel and channel attention in the authors' order of operations, against which timings are taken.

The same functions as the modules', from the modules' weights, for maps whose positions are all valid: features
(batch, channels, height, width) to features of the same shape.
"""

import torch
from torch import Tensor
from torch.nn.functional import conv2d, softplus

from manet.attention.channel import ChannelAttention
from manet.attention.kernel import EPSILON, KernelAttention


def kernel_attention(module: KernelAttention, features: Tensor) -> Tensor:
    """V by convolution at every position, then K V, then Q."""
    batch, channels, height, width = features.shape
    queries = softplus(conv2d(features, module.query.weight, module.query.bias).view(batch, -1, height * width))
    keys = softplus(conv2d(features, module.key.weight, module.key.bias).view(batch, -1, height * width))
    values = conv2d(features, module.value.weight, module.value.bias).view(batch, -1, height * width)
    key_values = torch.einsum("bmn,bcn->bmc", keys, values)
    normaliser = 1 / torch.einsum("bnc,bc->bn", queries.permute(0, 2, 1), keys.sum(-1) + EPSILON)
    out = torch.einsum("bnm,bmc,bn->bcn", queries.permute(0, 2, 1), key_values, normaliser)
    return module.gate * out.reshape(batch, channels, height, width) + features


def channel_attention(module: ChannelAttention, features: Tensor) -> Tensor:
    """The energy, its row maximum minus it, the softmax, the product."""
    batch, channels, height, width = features.shape
    x = features.view(batch, channels, height * width)
    energy = torch.bmm(x, x.permute(0, 2, 1))
    energy = torch.max(energy, -1, keepdim=True)[0].expand_as(energy) - energy
    out = torch.bmm(torch.softmax(energy, dim=-1), x).view(batch, channels, height, width)
    return module.gate * out + features
