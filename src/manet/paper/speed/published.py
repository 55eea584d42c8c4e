"""The published formulation of MANet, against which timings are taken: the authors' order of operations, in torch's own
memory format."""

import copy

import torch
from torch import Tensor, nn

from manet.networks import Network
from manet.paper.complexity.published import published


class Published(nn.Module):
    """The same weights and the same function as a MANet, for images whose height and width are multiples of its stride.

    images (batch, bands, height, width), every pixel valid -> logits (batch, classes, height, width).
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).to(memory_format=torch.contiguous_format)

    def forward(self, images: Tensor, valid: Tensor | None = None) -> Tensor:
        assert valid is None
        features = zip(self.network.refiners, self.network.encode(images), strict=True)
        return self.network.decode([published(refiner, feature) for refiner, feature in features])
