"""Fig. 5 of Li et al. 2021: dot-product and kernel attention over input sizes, D = Dv = 2 Dk = 64."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, scaled_dot_product_attention

from manet.attention import KernelAttention, kernel
from manet.paper.complexity.measuring import Measured, Pass

D = DV = 64
DK = 32
SIZES = (16, 32, 64, 128, 256, 512)
"""Height and width of the input."""

BYTES = 4
LARGEST_BYTES, LARGEST_MACS = 4 << 30, 10**12
"""What needs more is computed, not measured."""

PRINTED = {("dot product", 64): (3e9, 69e6), ("dot product", 256): (829e9, 17e9)} | {
    ("kernel", 64): (37e6, 3e6),
    ("kernel", 256): (585e6, 51e6),
}
"""The text's multiply-accumulates and bytes."""


class _Attention(nn.Module):
    """The three projections, and a gate at 1."""

    def __init__(self) -> None:
        super().__init__()
        self.module = KernelAttention(D)
        self.module.query, self.module.key = nn.Conv2d(D, DK, 1), nn.Conv2d(D, DK, 1)
        nn.init.ones_(self.module.gate)

    def projected(self, features: Tensor) -> list[Tensor]:
        """Queries, keys and values (batch, positions, channels)."""
        convolutions = (self.module.query, self.module.key, self.module.value)
        return [convolution(features).flatten(2).transpose(1, 2) for convolution in convolutions]


def dot_product(attention: _Attention, features: Tensor) -> Tensor:
    """Eq. 1 to 4 as they stand, the N x N matrix written out."""
    queries, keys, values = attention.projected(features)
    return torch.softmax(queries @ keys.transpose(1, 2), dim=2) @ values


def fused(attention: _Attention, features: Tensor) -> Tensor:
    """The same function by torch's scaled_dot_product_attention(scale=1), which keeps no N x N matrix.

    Its fused path wants queries and keys as wide as the values, so they are padded with zeros, which changes no score,
    and each position's channels side by side in memory.
    """
    queries, keys, values = (x.unsqueeze(1) for x in attention.projected(features))
    queries, keys = (pad(x, (0, DV - DK)).contiguous() for x in (queries, keys))
    return scaled_dot_product_attention(queries, keys, values.contiguous(), scale=1.0)


def kernel_attention(attention: _Attention, features: Tensor) -> Tensor:
    """Eq. 11 in the authors' order of operations."""
    return kernel.published(attention.module, features)


def folded(attention: _Attention, features: Tensor) -> Tensor:
    """Eq. 11 with V folded, as everywhere here."""
    return attention.module(features)


FORMS: dict[str, Callable[[_Attention, Tensor], Tensor]] = {
    "dot product": dot_product,
    "dot product, fused": fused,
    "kernel": kernel_attention,
    "kernel, folded": folded,
}


@dataclass(frozen=True)
class Cost:
    """What a form needs by arithmetic."""

    products: int
    """Multiply-accumulates of the attention's products alone."""
    projections: int
    """Of the 1x1 convolutions to Q, K and V, without biases."""
    bytes: int
    """Of Q, K, V, the output and the matrix between them, float32."""

    @property
    def macs(self) -> int:
        return self.products + self.projections


def cost(form: str, size: int) -> Cost:
    """By the shapes of Eq. 4 and 11; the normaliser's N Dk are left out."""
    n = size * size
    projections, maps = n * D * (2 * DK + DV), 2 * n * (DK + DV)
    match form:
        case "dot product":
            return Cost(n * n * (DK + DV), projections, BYTES * (maps + n * n))
        case "dot product, fused":
            return Cost(n * n * (DK + DV), projections, BYTES * maps)
        case "kernel":
            return Cost(2 * n * DK * DV, projections, BYTES * (maps + DK * DV))
        case _:
            products = n * DK * D + DK * D * DV + n * DK * DV
            return Cost(products, n * D * 2 * DK, BYTES * (maps - n * DV + DK * DV))


def ratios(size: int) -> tuple[float, float]:
    """Dot-product's multiply-accumulates over kernel attention's: products alone, and with the projections."""
    dot, kernel_ = cost("dot product", size), cost("kernel", size)
    return dot.products / kernel_.products, dot.macs / kernel_.macs


@dataclass(frozen=True)
class SizeCase:
    """A form at a size, to be measured."""

    form: str
    size: int

    def prepare(self) -> tuple[Pass, Pass]:
        torch.manual_seed(0)
        attention, form = _Attention().eval(), FORMS[self.form]
        features = torch.randn(1, D, self.size, self.size)
        return lambda: form(attention, features[..., :8, :8]), lambda: form(attention, features)

    @property
    def feasible(self) -> bool:
        needed = cost(self.form, self.size)
        return needed.bytes <= LARGEST_BYTES and needed.macs <= LARGEST_MACS


@dataclass(frozen=True)
class SizeRow:
    """A form at a size: computed always, measured where it can be."""

    form: str
    size: int
    cost: Cost
    printed_macs: float | None
    printed_bytes: float | None
    measured: Measured | None = None


def count_size(form: str, size: int) -> SizeRow:
    """A row without what is measured."""
    return SizeRow(form, size, cost(form, size), *PRINTED.get((form, size), (None, None)))
