"""The published formulation of MANet, which timings are compared with.

It keeps the authors' order of operations and torch's own memory format.
"""

import copy

import torch
from torch import Tensor, nn

from manet.networks import Network
from manet.paper.published import published
from manet.runtime.protocol import Floats, Valid
from manet.runtime.pytorch import PyTorch


class Published(nn.Module):
    """The same function as a MANet, from a copy of its weights.

    Takes images (batch, bands, height, width), every pixel valid, height and width multiples of the stride; gives
    logits (batch, classes, height, width).
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).to(memory_format=torch.contiguous_format)

    def forward(self, images: Tensor, valid: Tensor | None = None) -> Tensor:
        """Images to logits."""
        assert valid is None
        features = zip(self.network.refiners, self.network.encode(images), strict=True)
        return self.network.decode([published(refiner, feature) for refiner, feature in features])


class PublishedRuntime(PyTorch):
    """The published formulation as prediction calls it; whole windows only."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self.published = Published(network)

    @torch.inference_mode()
    def whole(self, images: Floats, valid: Valid | None = None) -> Floats:
        """Images to logits, as arrays."""
        return self.published(torch.from_numpy(images), None if valid is None else torch.from_numpy(valid)).numpy()
