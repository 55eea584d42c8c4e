"""DANet: position and channel attention side by side, at stride 8. Fu et al. 2019, Fig. 2 and 3."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from manet.attention import ChannelAttention, DotProductAttention, Place, Summary, SummaryModule
from manet.attention.convolution import ConvBlock
from manet.networks.encoder import Encoder
from manet.networks.fcn import Unrefined
from manet.networks.network import Auxiliary, Network
from manet.networks.resize import enlarge

OUTPUT_STRIDE = 8


class DualAttention(SummaryModule):
    """DAB without its heads: 3x3 to a quarter of the channels, attention, 3x3; once for positions, once for channels.

    features (batch, channels, height, width) -> (batch, 2 * channels / 4, height, width), the position branch first.
    Summary: the dot-product attention's three tensors, then the channel attention's energy. The position attention
    needs every key and value, so scenes cannot be merged in bounded memory.
    """

    reach: ClassVar[int] = 2

    fields: ClassVar = (*DotProductAttention.fields, *ChannelAttention.fields)

    def __init__(self, channels: int) -> None:
        super().__init__()
        middle = max(channels // 4, 1)
        self.before = nn.ModuleList([ConvBlock(channels, middle, 3) for _ in range(2)])
        self.position = DotProductAttention(middle)
        self.channel = ChannelAttention()
        self.after = nn.ModuleList([ConvBlock(middle, middle, 3) for _ in range(2)])

    def prepare(self, features: Tensor) -> Tensor:
        return torch.cat([convolution(features) for convolution in self.before], dim=1)

    def summarise(self, features: Tensor, valid: Tensor | None = None, place: Place | None = None) -> Summary:
        of_positions, of_channels = features.chunk(2, dim=1)
        return self.position.summarise(of_positions, valid) + self.channel.summarise(of_channels, valid)

    def attend(self, features: Tensor, summary: Summary, place: Place | None = None) -> Tensor:
        of_positions, of_channels = features.chunk(2, dim=1)
        attended = self.position.attend(of_positions, summary[:3]), self.channel.attend(of_channels, summary[3:])
        return torch.cat([conv(x) for conv, x in zip(self.after, attended, strict=True)], dim=1)


class _Head(nn.Sequential):
    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(nn.Dropout2d(0.1), nn.Conv2d(channels, classes, 1))


class FusionHead(nn.Module):
    """The sum of the two branches, dropout, 1x1 convolution to the classes, enlarged to the size of the images."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.head = _Head(channels, classes)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        positions, channels = features[-1].chunk(2, dim=1)
        return enlarge(self.head(positions + channels), OUTPUT_STRIDE)


class BranchHeads(Auxiliary):
    """One head of the same kind on each branch. Their losses have weight 1, as in the authors' released code."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList([_Head(channels, classes) for _ in range(2)])

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        branches = features[-1].chunk(2, dim=1)
        return [enlarge(head(x), OUTPUT_STRIDE) for head, x in zip(self.heads, branches, strict=True)]


def danet(encoder: Encoder, bands: int, classes: int) -> Network:
    """The dual attention network; it has three outputs in training."""
    deep, middle = encoder.channels[-1], max(encoder.channels[-1] // 4, 1)
    refiners = [Unrefined(), Unrefined(), Unrefined(), DualAttention(deep)]
    decoder, auxiliary = FusionHead(middle, classes), BranchHeads(middle, classes)
    return Network(encoder, refiners, decoder, bands, classes, auxiliary=auxiliary)
