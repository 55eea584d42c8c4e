"""The naive twin of every attention module: the same function, written term by term from its equation.

Correctness is tested against these; nothing here is fast. A twin takes a module, whose weights it uses, and what the
module's `forward` takes: features (batch, channels, height, width), and valid (batch, 1, height, width), the weight of
each position in the sums (None: all 1).
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, softplus

from manet.attention import (
    AttentionBlock,
    BlockAttention,
    ChannelAttention,
    DotProductAttention,
    EfficientAttention,
    FastAttention,
    KernelAttention,
    LinearAttention,
    SqueezeExcitation,
    fast,
    kernel,
    linear,
)
from manet.attention.lateral import LateralAttention
from manet.attention.mean_channel import MeanChannelAttention
from manet.attention.pooling import ImagePooling


def attention_block(module: AttentionBlock, features: Tensor, valid: Tensor | None = None) -> Tensor:
    """Li et al. 2021, Fig. 3."""
    return kernel_attention(module.kernel, features, valid) + channel_attention(module.channel, features, valid)


def kernel_attention(module: KernelAttention, features: Tensor, valid: Tensor | None = None) -> Tensor:
    """Li et al. 2021, Eq. 11 term by term: every pair of positions, O(N^2)."""
    queries, keys, values = _projections(module, features)
    phi_q, phi_k = softplus(queries), softplus(keys) * _weights(features, valid).flatten(2)
    similarity = torch.einsum("bki,bkj->bij", phi_q, phi_k)
    normaliser = similarity.sum(2) + kernel.EPSILON * phi_q.sum(1)
    out = torch.einsum("bij,bcj->bci", similarity, values) / normaliser.unsqueeze(1)
    return features + module.gate * out.view_as(features)


def channel_attention(module: ChannelAttention, features: Tensor, valid: Tensor | None = None) -> Tensor:
    """Li et al. 2021, Fig. 2 as drawn, the rows shifted by their maximum first."""
    x = features.flatten(2)
    energy = (x.unsqueeze(1) * x.unsqueeze(2) * _weights(features, valid).flatten(2).unsqueeze(1)).sum(3)
    attention = torch.softmax(energy.amax(2, keepdim=True) - energy, dim=2)
    return features + module.gate * torch.einsum("bcd,bdn->bcn", attention, x).view_as(features)


def mean_channel_attention(module: MeanChannelAttention, features: Tensor, valid: Tensor | None = None) -> Tensor:
    """The energy of every pair of channels as a weighted mean over the positions, and the softmax written out."""
    x, weights = features.flatten(2), _weights(features, valid).flatten(2)
    energy = (x.unsqueeze(1) * x.unsqueeze(2) * weights.unsqueeze(1)).sum(3) / weights.sum(2, keepdim=True)
    attention = torch.exp(module.sharpness * energy)
    attention = attention / attention.sum(2, keepdim=True)
    return features + module.gate * torch.einsum("bcd,bdn->bcn", attention, x).view_as(features)


def lateral_attention(module: LateralAttention, features: Tensor, valid: Tensor | None = None) -> Tensor:
    """The projection, and what each attention adds to it."""
    y = module.project(features)
    added = (kernel_attention(module.kernel, y, valid) - y) + (mean_channel_attention(module.channel, y, valid) - y)
    return y + added


def dot_product_attention(module: DotProductAttention, features: Tensor, valid: Tensor | None = None) -> Tensor:
    """Li et al. 2021, Eq. 1 to 4 term by term, with the N x N matrix written out."""
    queries, keys, values = _projections(module, features)
    scores = torch.einsum("bki,bkj->bij", queries, keys)
    similarity = torch.exp(scores - scores.amax(2, keepdim=True).detach()) * _weights(features, valid).flatten(2)
    attention = similarity / similarity.sum(2, keepdim=True)
    return features + module.gate * torch.einsum("bij,bcj->bci", attention, values).view_as(features)


def efficient_attention(module: EfficientAttention, features: Tensor, valid: Tensor | None = None) -> Tensor:
    """Shen et al. 2021, Sec. 3.2, term by term, the similarity of every pair of positions written out."""
    queries, keys, values = _projections(module, features)
    weights = _weights(features, valid).flatten(2)
    rho_q = torch.exp(queries) / torch.exp(queries).sum(1, keepdim=True)
    rho_k = torch.exp(keys) * weights / (torch.exp(keys) * weights).sum(2, keepdim=True)
    similarity = torch.einsum("bki,bkj->bij", rho_q, rho_k)
    out = torch.einsum("bij,bcj->bci", similarity, values).view_as(features)
    return features + module.reprojection(out)


def fast_attention(module: FastAttention, features: Tensor, valid: Tensor | None = None) -> Tensor:
    """Katharopoulos et al. 2020, Eq. 5 and 7 term by term: every pair of positions, O(N^2)."""
    queries, keys, values = _projections(module, features)
    phi_q, phi_k = (torch.where(x > 0, x + 1, x.exp()) for x in (queries, keys))
    similarity = torch.einsum("bki,bkj->bij", phi_q, phi_k * _weights(features, valid).flatten(2))
    out = torch.einsum("bij,bcj->bci", similarity, values) / (similarity.sum(2) + fast.EPSILON).unsqueeze(1)
    return features + module.gate * out.view_as(features)


def linear_attention(module: LinearAttention, features: Tensor, valid: Tensor | None = None) -> Tensor:
    """Li et al. 2020: the similarity 1 + q^T k of every pair of positions, O(N^2)."""
    queries, keys, values = _projections(module, features)
    queries, keys = (x / x.square().sum(1, keepdim=True).sqrt() for x in (queries, keys))
    similarity = (1 + torch.einsum("bki,bkj->bij", queries, keys)) * _weights(features, valid).flatten(2)
    normaliser = similarity.sum(2) + linear.EPSILON * queries.sum(1)
    out = torch.einsum("bij,bcj->bci", similarity, values) / normaliser.unsqueeze(1)
    return features + module.gate * out.view_as(features)


def squeeze_excitation(module: SqueezeExcitation, features: Tensor, valid: Tensor | None = None) -> Tensor:
    """Hu et al. 2018, Eq. 2 to 4 term by term, after the 3x3 convolution."""
    x = module.convolution(features)
    weights = _weights(x, valid)
    squeezed = (x * weights).sum((2, 3)) / weights.sum((2, 3))
    scale = torch.sigmoid(torch.relu(squeezed @ module.squeeze.weight.T) @ module.excite.weight.T)
    return x * scale.view(*scale.shape, 1, 1)


def block_attention(module: BlockAttention, features: Tensor, valid: Tensor | None = None) -> Tensor:
    """Woo et al. 2018, Eq. 1 to 3 term by term, after the 3x3 convolution; position by position in the 7x7."""
    x = module.convolution(features)
    weights = _weights(x, valid)
    mean = (x * weights).sum((2, 3)) / weights.sum((2, 3))
    maximum = torch.where(weights > 0, x, -torch.inf).amax((2, 3))
    w0, w1 = module.squeeze.weight.T, module.excite.weight.T
    x = x * torch.sigmoid(torch.relu(mean @ w0) @ w1 + torch.relu(maximum @ w0) @ w1).view(*x.shape[:2], 1, 1)
    pooled = pad(torch.stack([x.amax(1), x.mean(1)], dim=1), (3, 3, 3, 3))
    windows = pooled.unfold(2, 7, 1).unfold(3, 7, 1)
    return x * torch.sigmoid(torch.einsum("bphwij,pij->bhw", windows, module.spatial.weight[0])).unsqueeze(1)


def image_pooling(module: ImagePooling, features: Tensor, valid: Tensor | None = None) -> Tensor:
    """Chen et al. 2018: the weighted mean written out, then the module's own layers."""
    weights = _weights(features, valid)
    mean = (features * weights).sum((2, 3), keepdim=True) / weights.sum((2, 3), keepdim=True)
    return torch.relu(module.norm(module.project(mean))).expand(-1, -1, *features.shape[2:])


def _projections(module: nn.Module, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys (batch, keys, positions) and values (batch, channels, positions)."""
    queries, keys, values = (getattr(module, name)(features).flatten(2) for name in ("query", "key", "value"))
    return queries, keys, values


def _weights(features: Tensor, valid: Tensor | None) -> Tensor:
    """The weight of each position, (batch, 1, height, width)."""
    return torch.ones_like(features[:, :1]) if valid is None else valid.to(features.dtype)
