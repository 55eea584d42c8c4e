"""The whole networks of the comparison, on ResNet-50 with six classes."""

from dataclasses import dataclass

import torch

from manet.networks import Network, build
from manet.paper.complexity.counting import MacCounts, Shapes, count, count_products, parameters
from manet.paper.complexity.measuring import Measured, Pass
from manet.paper.published import published

ENCODER, CLASSES, BANDS = "resnet50", 6, 3
SIZES = (512, 1024)
"""Heights and widths of the image, pixels."""

SMALL = 64
"""Height and width of the image in the pass that loads the code, pixels."""


@dataclass(frozen=True)
class NetworkCase:
    """A network over an image, to be measured."""

    name: str
    size: int

    def prepare(self) -> tuple[Pass, Pass]:
        """A pass over a small image, and one over an image of `size`."""
        torch.manual_seed(0)
        network = _network(self.name).to(memory_format=torch.channels_last)
        images = torch.randn(1, BANDS, self.size, self.size)
        return lambda: network(images[..., :SMALL, :SMALL]), lambda: network(images)


@dataclass(frozen=True)
class NetworkRow:
    """What a network costs at one size of image."""

    name: str
    size: int
    parameters: int
    """With the auxiliary heads, which only training uses."""
    counts: MacCounts
    computed: int
    """Multiply-accumulates, by the rule "with products", of what manet computes, with V folded."""
    measured: Measured | None = None


def count_network(name: str) -> list[NetworkRow]:
    """One row per size, without measurements."""
    with Shapes():
        network = _network(name)
        rows = []
        for size in SIZES:
            shape = (1, BANDS, size, size)
            counts = count(lambda images: published(network, images), shape)
            computed = count_products(network, shape)
            rows.append(NetworkRow(name, size, parameters(network), counts, computed))
        return rows


def _network(name: str) -> Network:
    return build(name, encoder=ENCODER, bands=BANDS, classes=CLASSES).eval()
