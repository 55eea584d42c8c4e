"""Table VIII of Li et al. 2021: what each module costs at 1 x 2048 x 128 x 128."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

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
from manet.complexity.counting import Counts, Shapes, count, count_products, parameters
from manet.complexity.measuring import Measured, Pass
from manet.complexity.published import published
from manet.models.danet import DualAttention
from manet.models.deeplabv3plus import AtrousPyramid
from manet.models.eanet import LargeKernelPyramid
from manet.models.pspnet import PyramidPooling

CHANNELS, SIZE = 2048, 128
CLASSES = 6
SMALL = 8
"""Height and width of the pass that loads the code."""


class DualAttentionBlock(nn.Module):
    """DAB as the paper counts it: DANet's two branches with the three 1x1 heads."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention = DualAttention(channels)
        self.heads = nn.ModuleList([nn.Conv2d(channels // 4, CLASSES, 1) for _ in range(3)])

    def forward(self, features: Tensor) -> Tensor:
        return self.classify(self.attention(features))

    def classify(self, attended: Tensor) -> Tensor:
        """(batch, 3 * classes, height, width) of the two branches' sum and of each."""
        positions, channels = attended.chunk(2, dim=1)
        branches = (positions + channels, positions, channels)
        return torch.cat([head(x) for head, x in zip(self.heads, branches, strict=True)], dim=1)


@published.register
def _(module: DualAttentionBlock, features: Tensor) -> Tensor:
    return module.classify(published(module.attention, features))


class Printed(NamedTuple):
    """A row of Table VIII: GFLOPs, which are multiply-accumulates, parameters in millions, MB."""

    gmac: float
    parameters_m: float
    memory_mb: float


MODULES: dict[str, tuple[Callable[[int], nn.Module], Printed]] = {
    "SE": (SqueezeExcitation, Printed(618.6, 38.3, 256)),
    "CBAM": (BlockAttention, Printed(618.6, 38.3, 256)),
    "EAM": (EfficientAttention, Printed(154.7, 9.4, 288)),
    "FAM": (FastAttention, Printed(85.9, 5.3, 160)),
    "LAM": (LinearAttention, Printed(85.9, 5.3, 160)),
    "DAB": (DualAttentionBlock, Printed(392.2, 23.9, 1546)),
    "PPM": (PyramidPooling, Printed(309.5, 23.1, 257)),
    "ASPP": (AtrousPyramid, Printed(503.0, 15.1, 284)),
    "LKPP": (LargeKernelPyramid, Printed(884.2, 54.5, 818)),
    "KAM": (KernelAttention, Printed(85.9, 5.3, 160)),
}
"""How each module of Table VIII is made from the number of channels, and what the paper prints of it."""

ASPP_NOTE = (
    "ASPP: the paper prints 503.0 G and 15.1 M, which cannot be had together. The standard structure (1x1, 3x3 at "
    "rates 6, 12 and 18 and image pooling to 256 channels each, 1x1 over the 1280) has 15.54 M parameters, and every "
    "one of those in a convolution over the map is used once a position: 15.0 M x 16384 positions = 246 G. 503 G is "
    "about twice that, as operations would be, where all other rows of the table are multiply-accumulates."
)


@dataclass(frozen=True)
class ModuleCase:
    """One of the table's modules, to be measured."""

    name: str

    def prepare(self) -> tuple[Pass, Pass]:
        torch.manual_seed(0)
        module = MODULES[self.name][0](CHANNELS).eval()
        features = torch.randn(1, CHANNELS, SIZE, SIZE)
        return lambda: module(features[..., :SMALL, :SMALL]), lambda: module(features)


@dataclass(frozen=True)
class ModuleRow:
    """A row of Table VIII, ours beside the printed one."""

    name: str
    parameters: int
    counts: Counts
    computed: int
    """Multiply-accumulates by the rule "with products" of what is computed here, V folded."""
    printed: Printed
    measured: Measured | None = None


def count_module(name: str) -> ModuleRow:
    """A row without what is measured."""
    make, printed = MODULES[name]
    shape = (1, CHANNELS, SIZE, SIZE)
    with Shapes():
        module = make(CHANNELS).eval()
        counts = count(lambda features: published(module, features), shape)
        return ModuleRow(name, parameters(module), counts, count_products(module, shape), printed)
