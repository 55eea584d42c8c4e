"""Table VIII of Li et al. 2021: what each module costs at 1 x 2048 x 128 x 128."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from manet.attention import (
    BlockAttention,
    EfficientAttention,
    FastAttention,
    KernelAttention,
    LinearAttention,
    SqueezeExcitation,
)
from manet.networks.danet import DualAttention
from manet.networks.deeplabv3plus import AtrousPyramid
from manet.networks.eanet import LargeKernelPyramid
from manet.networks.pspnet import PyramidPooling
from manet.paper.complexity.counting import MacCounts, Shapes, count, count_products, parameters
from manet.paper.complexity.measuring import Measured, Pass
from manet.paper.printed import PrintedCost, printed_costs
from manet.paper.published import published

CHANNELS, SIZE = 2048, 128
CLASSES = 6
SMALL = 8
"""Height and width of the map in the pass that loads the code."""


class DualAttentionBlock(nn.Module):
    """DAB as the paper counts it: DANet's two branches with three 1x1 heads."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention = DualAttention(channels)
        self.heads = nn.ModuleList([nn.Conv2d(channels // 4, CLASSES, 1) for _ in range(3)])

    def forward(self, features: Tensor) -> Tensor:
        return self.classify(self.attention(features))

    def classify(self, attended: Tensor) -> Tensor:
        """Logits (batch, 3 * classes, height, width) of the sum of the two branches and of each branch."""
        positions, channels = attended.chunk(2, dim=1)
        branches = (positions + channels, positions, channels)
        return torch.cat([head(x) for head, x in zip(self.heads, branches, strict=True)], dim=1)


@published.register
def _(module: DualAttentionBlock, features: Tensor) -> Tensor:
    return module.classify(published(module.attention, features))


MODULES: dict[str, Callable[[int], nn.Module]] = {
    "SE": SqueezeExcitation,
    "CBAM": BlockAttention,
    "EAM": EfficientAttention,
    "FAM": FastAttention,
    "LAM": LinearAttention,
    "DAB": DualAttentionBlock,
    "PPM": PyramidPooling,
    "ASPP": AtrousPyramid,
    "LKPP": LargeKernelPyramid,
    "KAM": KernelAttention,
}
"""How each module of Table VIII is built from the number of channels."""

ASPP_NOTE = (
    "ASPP: the paper prints 503.0 G and 15.1 M, which contradict each other. The standard structure (1x1, 3x3 at "
    "rates 6, 12 and 18 and image pooling to 256 channels each, 1x1 over the 1280) has 15.54 M parameters, and every "
    "one that belongs to a convolution over the map is used once per position: 15.0 M x 16384 positions = 246 G. 503 G "
    "is about twice that, the number of operations, whereas all other rows of the table are multiply-accumulates."
)


@dataclass(frozen=True)
class ModuleCase:
    """A module of the table, to be measured."""

    name: str

    def prepare(self) -> tuple[Pass, Pass]:
        """A pass over a small map, and one over the table's."""
        torch.manual_seed(0)
        module = MODULES[self.name](CHANNELS).eval()
        features = torch.randn(1, CHANNELS, SIZE, SIZE)
        return lambda: module(features[..., :SMALL, :SMALL]), lambda: module(features)


@dataclass(frozen=True)
class ModuleRow:
    """A row of Table VIII: our figures and the printed ones."""

    name: str
    parameters: int
    counts: MacCounts
    computed: int
    """Multiply-accumulates, by the rule "with products", of what manet computes, with V folded."""
    printed: PrintedCost
    measured: Measured | None = None


def count_module(name: str) -> ModuleRow:
    """The row of a module, without measurements."""
    shape = (1, CHANNELS, SIZE, SIZE)
    with Shapes():
        module = MODULES[name](CHANNELS).eval()
        counts = count(lambda features: published(module, features), shape)
        return ModuleRow(name, parameters(module), counts, count_products(module, shape), printed_costs()[name])
