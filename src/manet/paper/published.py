"""The modules as their papers write them down, with the parameters of ours: the form whose operations are counted. Our
own modules are written down in the same way.

Layers are called as layers; V is computed at every position, then K V, then Q; the matrices that dot-product attention
needs are written out. The values are those of our modules.
"""

from functools import singledispatch

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, adaptive_max_pool2d, elu, interpolate, normalize

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
    linear,
)
from manet.attention import (
    published as authors,
)
from manet.attention.lateral import Lateral, LateralAttention
from manet.attention.mean_channel import MeanChannelAttention
from manet.attention.pooling import ImagePooling
from manet.networks.danet import DualAttention
from manet.networks.deeplabv3plus import AtrousPyramid
from manet.networks.eanet import LargeKernelPyramid
from manet.networks.fcn import Unrefined
from manet.networks.network import Network
from manet.networks.pspnet import BINS, PyramidPooling


@singledispatch
def published(module: nn.Module, features: Tensor) -> Tensor:
    """The output of a module, computed in the published order.

    Args:
        module: An attention module, or a network.
        features: (batch, channels, height, width), all positions valid; for a network, images.

    Raises:
        NotImplementedError: The module has no published form here.
    """
    raise NotImplementedError(type(module).__name__)


@published.register
def _(module: Network, features: Tensor) -> Tensor:
    """Images, whose height and width are multiples of the stride, to logits."""
    maps = zip(module.refiners, module.encoder(features), strict=True)
    return module.decode([published(refiner, one) for refiner, one in maps])


@published.register
def _(module: Unrefined, features: Tensor) -> Tensor:
    return features


@published.register
def _(module: Lateral, features: Tensor) -> Tensor:
    return module.project(features)


@published.register
def _(module: LateralAttention, features: Tensor) -> Tensor:
    y = module.project(features)
    return published(module.kernel, y) + published(module.channel, y) - y


@published.register
def _(module: MeanChannelAttention, features: Tensor) -> Tensor:
    x = features.flatten(2)
    energy = x @ x.transpose(1, 2) / x.shape[2]
    return features + module.gate * (torch.softmax(module.sharpness * energy, dim=2) @ x).view_as(features)


@published.register
def _(module: SqueezeExcitation, features: Tensor) -> Tensor:
    x = module.convolution(features)
    scale = module.excite(module.squeeze(adaptive_avg_pool2d(x, 1).flatten(1)).relu()).sigmoid()
    return x * scale[:, :, None, None]


@published.register
def _(module: BlockAttention, features: Tensor) -> Tensor:
    x = module.convolution(features)
    pooled = [pool(x, 1).flatten(1) for pool in (adaptive_avg_pool2d, adaptive_max_pool2d)]
    x = x * sum(module.excite(module.squeeze(one).relu()) for one in pooled).sigmoid()[:, :, None, None]  # type: ignore[union-attr]
    return x * module.spatial(torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], dim=1)).sigmoid()


def _projections(module: nn.Module, features: Tensor) -> tuple[Tensor, ...]:
    """Queries, keys and values (batch, channels, positions)."""
    return tuple(getattr(module, name)(features).flatten(2) for name in ("query", "key", "value"))


@published.register
def _(module: EfficientAttention, features: Tensor) -> Tensor:
    queries, keys, values = _projections(module, features)
    context = keys.softmax(dim=2) @ values.transpose(1, 2)
    return features + module.reprojection((context.transpose(1, 2) @ queries.softmax(dim=1)).view_as(features))


@published.register
def _(module: FastAttention, features: Tensor) -> Tensor:
    queries, keys, values = _projections(module, features)
    queries, keys = elu(queries) + 1, elu(keys) + 1
    numerator = (values @ keys.transpose(1, 2)) @ queries
    denominator = keys.sum(2).unsqueeze(1) @ queries + fast.EPSILON
    return features + module.gate * (numerator / denominator).view_as(features)


@published.register
def _(module: LinearAttention, features: Tensor) -> Tensor:
    queries, keys, values = _projections(module, features)
    queries, keys = normalize(queries, dim=1), normalize(keys, dim=1)
    numerator = values.sum(2, keepdim=True) + (values @ keys.transpose(1, 2)) @ queries
    denominator = queries.shape[2] + (keys.sum(2) + linear.EPSILON).unsqueeze(1) @ queries
    return features + module.gate * (numerator / denominator).view_as(features)


@published.register
def _(module: KernelAttention, features: Tensor) -> Tensor:
    return authors.kernel_attention(module, features)


@published.register
def _(module: ChannelAttention, features: Tensor) -> Tensor:
    return authors.channel_attention(module, features)


@published.register
def _(module: AttentionBlock, features: Tensor) -> Tensor:
    return published(module.kernel, features) + published(module.channel, features)


@published.register
def _(module: DotProductAttention, features: Tensor) -> Tensor:
    queries, keys, values = _projections(module, features)
    attention = torch.softmax(queries.transpose(1, 2) @ keys, dim=2)
    return features + module.gate * (values @ attention.transpose(1, 2)).view_as(features)


@published.register
def _(module: DualAttention, features: Tensor) -> Tensor:
    attentions = (module.position, module.channel)
    branches = zip(module.before, attentions, module.after, strict=True)
    return torch.cat([after(published(attention, before(features))) for before, attention, after in branches], dim=1)


@published.register
def _(module: PyramidPooling, features: Tensor) -> Tensor:
    pooled = [branch(adaptive_avg_pool2d(features, bins)) for bins, branch in zip(BINS, module.branches, strict=True)]
    size = features.shape[2:]
    laid = [interpolate(one, (size[0], size[1]), mode="bilinear", align_corners=True) for one in pooled]
    return module.fusion(torch.cat([features, *laid], dim=1))


@published.register
def _(module: ImagePooling, features: Tensor) -> Tensor:
    pooled = module.norm(module.project(adaptive_avg_pool2d(features, 1))).relu()
    return pooled.expand(-1, -1, *features.shape[2:])


@published.register(AtrousPyramid)
@published.register(LargeKernelPyramid)
def _(module: AtrousPyramid | LargeKernelPyramid, features: Tensor) -> Tensor:
    branches = [branch(features) for branch in module.branches]
    return module.fusion(torch.cat([*branches, published(module.pooling, features)], dim=1))
