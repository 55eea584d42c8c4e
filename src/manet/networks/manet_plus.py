"""MANet+: attention on a pyramid of equal widths, and a head that is normalised. A variant of this project."""

from collections.abc import Sequence

from torch import Tensor, nn

from manet.attention.convolution import ConvBlock
from manet.attention.lateral import Lateral, LateralAttention
from manet.networks.encoder import Encoder
from manet.networks.network import Network
from manet.networks.resize import enlarge

WIDTH = 96
"""Channels of every level of the pyramid."""


class PyramidDecoder(nn.Module):
    """Features of equal widths to logits, as in feature pyramids (Lin et al. 2017; Kirillov et al. 2019).

    From the deepest level up: d = f4; then d = fk + enlarge(d, 2) for k = 3, 2, 1. A 3x3 convolution of every d,
    enlarged to stride 4; their sum; another 3x3 convolution; 1x1 to the classes, enlarged to the size of the images.

    features (batch, 96, height / stride, width / stride) at strides 4, 8, 16, 32
    -> logits (batch, classes, height, width).
    """

    def __init__(self, levels: int, classes: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList([ConvBlock(WIDTH, WIDTH, 3) for _ in range(levels)])
        self.head = nn.Sequential(ConvBlock(WIDTH, WIDTH, 3), nn.Conv2d(WIDTH, classes, 1))

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        *shallow, deep = features
        *convolutions, convolution = self.levels
        merged = enlarge(convolution(deep), 2 ** len(shallow))
        for level, (feature, convolution) in reversed(list(enumerate(zip(shallow, convolutions, strict=True)))):
            deep = feature + enlarge(deep, 2)
            merged = merged + (enlarge(convolution(deep), 2**level) if level else convolution(deep))
        return enlarge(self.head(merged), 4)


def manet_plus(encoder: Encoder, bands: int, classes: int) -> Network:
    """Kernel attention and mean channel attention on each of the four levels."""
    refiners = [LateralAttention(channels, WIDTH) for channels in encoder.channels]
    return Network(encoder, refiners, PyramidDecoder(len(refiners), classes), bands, classes)


def fcn_plus(encoder: Encoder, bands: int, classes: int) -> Network:
    """The same without attention, which shows what attention adds."""
    refiners = [Lateral(channels, WIDTH) for channels in encoder.channels]
    return Network(encoder, refiners, PyramidDecoder(len(refiners), classes), bands, classes)
