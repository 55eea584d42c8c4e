"""The published formulation of MANet, against which timings are taken: the authors' order of operations, in torch's own
memory format."""

import copy

import torch
from torch import Tensor, nn

from manet.attention import AttentionBlock, ChannelAttention, kernel
from manet.models import Network


class Published(nn.Module):
    """The same weights and the same function as a MANet, for images whose height and width are multiples of its stride.

    images (batch, bands, height, width), every pixel valid -> logits (batch, classes, height, width).
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
        self.blocks = [PublishedBlock(block) for block in self.network.refiners]

    def forward(self, images: Tensor, valid: Tensor | None = None) -> Tensor:
        assert valid is None
        features = self.network.encode(images)
        return self.network.decode([block(f) for block, f in zip(self.blocks, features, strict=True)])


class PublishedBlock(nn.Module):
    """An attention block in the authors' order of operations."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        assert isinstance(block, AttentionBlock)
        self.kernel, self.channel = block.kernel, block.channel

    def forward(self, features: Tensor) -> Tensor:
        return kernel.published(self.kernel, features) + published_channel(self.channel, features)


def published_channel(module: ChannelAttention, features: Tensor) -> Tensor:
    """Channel attention in the authors' order: energy, row maximum less energy, softmax, product, gate, residual."""
    batch, channels, height, width = features.shape
    x = features.view(batch, channels, height * width)
    energy = torch.bmm(x, x.permute(0, 2, 1))
    energy = torch.max(energy, -1, keepdim=True)[0].expand_as(energy) - energy
    out = torch.bmm(torch.softmax(energy, dim=-1), x).view(batch, channels, height, width)
    return module.gate * out + features
