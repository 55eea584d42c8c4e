"""EaNet: large kernel pyramid pooling, trained with an edge-aware loss. Zheng et al. 2020.

Its decoder here is DeepLabV3+'s, at the same strides.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from manet.attention import Place, Summary, SummaryModule
from manet.attention.convolution import ConvBlock
from manet.attention.pooling import ImagePooling
from manet.networks.deeplabv3plus import CHANNELS, LowLevelDecoder
from manet.networks.encoder import Encoder
from manet.networks.fcn import Unrefined
from manet.networks.network import Network

OUTPUT_STRIDE = 16
KERNELS = (7, 5, 3)
DILATIONS = (1, 2, 3)


class LargeKernel(nn.Module):
    """A kernel k > 3 in two halves, summed: 3 x k with dilation (1, d), and k x 3 with dilation (d, 1).

    features (batch, in_channels, height, width) -> (batch, 256, height, width).
    """

    def __init__(self, in_channels: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.wide = ConvBlock(in_channels, CHANNELS, (3, kernel), (1, dilation), bias=True)
        self.tall = ConvBlock(in_channels, CHANNELS, (kernel, 3), (dilation, 1), bias=True)

    def forward(self, features: Tensor) -> Tensor:
        return self.wide(features) + self.tall(features)


def _branch(channels: int, kernel: int) -> nn.Sequential:
    """Three layers in sequence, with dilations 1, 2 and 3."""
    layers: list[nn.Module] = []
    for in_channels, dilation in zip((channels, CHANNELS, CHANNELS), DILATIONS, strict=True):
        if kernel > 3:
            layers.append(LargeKernel(in_channels, kernel, dilation))
        else:
            layers.append(ConvBlock(in_channels, CHANNELS, kernel, dilation, bias=True))
    return nn.Sequential(*layers)


class LargeKernelPyramid(SummaryModule):
    """LKPP: branches of kernel 7, 5, 3 and 1 and the mean of the image, each to 256 channels; 1x1 over all.

    features (batch, channels, height, width) -> (batch, 256, height, width).
    Summary: sum and weight of the image pooling.
    """

    reach: ClassVar[int] = max(KERNELS) // 2 * sum(DILATIONS)

    fields: ClassVar = ImagePooling.fields

    def __init__(self, channels: int) -> None:
        super().__init__()
        large = [_branch(channels, kernel) for kernel in KERNELS]
        self.branches = nn.ModuleList([*large, ConvBlock(channels, CHANNELS, bias=True)])
        self.pooling = ImagePooling(channels, CHANNELS, bias=True)
        self.fusion = ConvBlock((len(KERNELS) + 2) * CHANNELS, CHANNELS, bias=True)

    def summarise(self, features: Tensor, valid: Tensor | None = None, place: Place | None = None) -> Summary:
        return self.pooling.summarise(features, valid)

    def attend(self, features: Tensor, summary: Summary, place: Place | None = None) -> Tensor:
        local = [branch(features) for branch in self.branches]
        return self.fusion(torch.cat([*local, self.pooling.attend(features, summary)], dim=1))


def eanet(encoder: Encoder, bands: int, classes: int) -> Network:
    """The edge-aware network, which is trained with its edge-aware loss."""
    refiners = [Unrefined(), Unrefined(), Unrefined(), LargeKernelPyramid(encoder.channels[-1])]
    return Network(encoder, refiners, LowLevelDecoder(encoder.channels[0], classes), bands, classes, loss="edge-aware")
