"""DeepLabV3+: atrous spatial pyramid pooling at stride 16, decoded with stride 4. Chen et al. 2018, Fig. 2."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from manet.attention import Place, Summary, SummaryModule
from manet.attention.convolution import ConvBlock
from manet.attention.pooling import ImagePooling
from manet.networks.encoder import Encoder
from manet.networks.fcn import Unrefined
from manet.networks.network import Network
from manet.networks.resize import enlarge

OUTPUT_STRIDE = 16
RATES = (6, 12, 18)
CHANNELS = 256


class AtrousPyramid(SummaryModule):
    """ASPP: 1x1, 3x3 at rates 6, 12 and 18, and the mean of the image, each to 256 channels; 1x1 over all, dropout.

    features (batch, channels, height, width) -> (batch, 256, height, width).
    Summary: sum and weight of the image pooling.
    """

    reach: ClassVar[int] = max(RATES)

    fields: ClassVar = ImagePooling.fields

    def __init__(self, channels: int) -> None:
        super().__init__()
        atrous = [ConvBlock(channels, CHANNELS, 3, dilation=rate) for rate in RATES]
        self.branches = nn.ModuleList([ConvBlock(channels, CHANNELS), *atrous])
        self.pooling = ImagePooling(channels, CHANNELS)
        self.fusion = nn.Sequential(ConvBlock((len(RATES) + 2) * CHANNELS, CHANNELS), nn.Dropout(0.1))

    def summarise(self, features: Tensor, valid: Tensor | None = None, place: Place | None = None) -> Summary:
        return self.pooling.summarise(features, valid)

    def attend(self, features: Tensor, summary: Summary, place: Place | None = None) -> Tensor:
        local = [branch(features) for branch in self.branches]
        return self.fusion(torch.cat([*local, self.pooling.attend(features, summary)], dim=1))


class LowLevelDecoder(nn.Module):
    """The deep feature, enlarged, and the one at stride 4 (1x1 to 48) together; two 3x3, 1x1 to the classes, enlarged.

    features (batch, channels, height / stride, width / stride), the first at stride 4, the last with 256 channels
    -> logits (batch, classes, height, width).
    """

    def __init__(self, low_channels: int, classes: int) -> None:
        super().__init__()
        self.low = ConvBlock(low_channels, 48)
        self.head = nn.Sequential(
            ConvBlock(CHANNELS + 48, CHANNELS, 3), ConvBlock(CHANNELS, CHANNELS, 3), nn.Conv2d(CHANNELS, classes, 1)
        )

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        deep = enlarge(features[-1], OUTPUT_STRIDE // 4)
        return enlarge(self.head(torch.cat([deep, self.low(features[0])], dim=1)), 4)


def deeplabv3plus(encoder: Encoder, bands: int, classes: int) -> Network:
    """DeepLabV3+ with standard convolutions."""
    refiners = [Unrefined(), Unrefined(), Unrefined(), AtrousPyramid(encoder.channels[-1])]
    return Network(encoder, refiners, LowLevelDecoder(encoder.channels[0], classes), bands, classes)
