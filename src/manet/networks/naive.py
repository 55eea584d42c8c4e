"""The naive twins of the networks' own modules, as `attention.naive` has them of the attention modules."""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from manet.attention import naive
from manet.networks.danet import DualAttention
from manet.networks.deeplabv3plus import AtrousPyramid
from manet.networks.eanet import LargeKernelPyramid
from manet.networks.pspnet import BINS, PyramidPooling


def dual_attention(module: DualAttention, features: Tensor, valid: Tensor | None = None) -> Tensor:
    """Fu et al. 2019, Fig. 2 as drawn, from the naive twins of its two attentions."""
    positions = naive.dot_product_attention(module.position, module.before[0](features), valid)
    channels = naive.channel_attention(module.channel, module.before[1](features), valid)
    return torch.cat([module.after[0](positions), module.after[1](channels)], dim=1)


def pyramid_pooling(module: PyramidPooling, features: Tensor, valid: Tensor | None = None) -> Tensor:
    """Zhao et al. 2017, Fig. 3: region by region, then torch's own interpolation."""
    height, width = features.shape[2:]
    weights = torch.ones_like(features[:, :1]) if valid is None else valid.to(features.dtype)
    parts = [features]
    for bins, branch in zip(BINS, module.branches, strict=True):
        rows, cols = ([slice(i * n // bins, -(-(i + 1) * n // bins)) for i in range(bins)] for n in (height, width))
        sums = [[(features * weights)[..., r, c].sum((2, 3)) for c in cols] for r in rows]
        shares = [[weights[..., r, c].sum((2, 3)).clamp(min=1e-30) for c in cols] for r in rows]
        means = [torch.stack([s / w for s, w in zip(*both, strict=True)], 2) for both in zip(sums, shares, strict=True)]
        pooled = branch(torch.stack(means, dim=2))
        parts.append(interpolate(pooled, (height, width), mode="bilinear", align_corners=True))
    return module.fusion(torch.cat(parts, dim=1))


def atrous_pyramid(module: AtrousPyramid, features: Tensor, valid: Tensor | None = None) -> Tensor:
    """Chen et al. 2018, Fig. 2 as drawn, with the image pooling's naive twin."""
    local = [branch(features) for branch in module.branches]
    return module.fusion(torch.cat([*local, naive.image_pooling(module.pooling, features, valid)], dim=1))


def large_kernel_pyramid(module: LargeKernelPyramid, features: Tensor, valid: Tensor | None = None) -> Tensor:
    """Zheng et al. 2020: the branches side by side, with the image pooling's naive twin."""
    local = [branch(features) for branch in module.branches]
    return module.fusion(torch.cat([*local, naive.image_pooling(module.pooling, features, valid)], dim=1))
