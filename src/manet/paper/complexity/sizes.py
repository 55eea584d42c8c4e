"""Fig. 5 of Li et al. 2021: dot-product and kernel attention over input sizes, D = Dv = 2 Dk = 64."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, scaled_dot_product_attention

from manet.attention import KernelAttention, published
from manet.paper.complexity.measuring import Measured, Pass

D = DV = 64
DK = 32
SIZES = (16, 32, 64, 128, 256, 512)
"""Height and width of the input."""

BYTES = 4
LARGEST_BYTES, LARGEST_MACS = 4 << 30, 10**12
"""A form that needs more at a size is not measured there."""

PRINTED = {("dot product", 64): (3e9, 69e6), ("dot product", 256): (829e9, 17e9)} | {
    ("kernel", 64): (37e6, 3e6),
    ("kernel", 256): (585e6, 51e6),
}
"""Multiply-accumulates and bytes that the paper's text names."""


class _Attention(nn.Module):
    """The three projections, with the gate at 1."""

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
    """Eq. 1 to 4 as they stand, with the N x N matrix written out."""
    queries, keys, values = attention.projected(features)
    return torch.softmax(queries @ keys.transpose(1, 2), dim=2) @ values


def fused(attention: _Attention, features: Tensor) -> Tensor:
    """The same function by torch's scaled_dot_product_attention(scale=1), which keeps no N x N matrix.

    Its fused path needs queries and keys as wide as the values, so they are padded with zeros, which changes no score;
    and it needs the channels of a position next to each other in memory.
    """
    queries, keys, values = (x.unsqueeze(1) for x in attention.projected(features))
    queries, keys = (pad(x, (0, DV - DK)).contiguous() for x in (queries, keys))
    return scaled_dot_product_attention(queries, keys, values.contiguous(), scale=1.0)


def kernel_attention(attention: _Attention, features: Tensor) -> Tensor:
    """Eq. 11 in the authors' order of operations."""
    return published.kernel_attention(attention.module, features)


def folded(attention: _Attention, features: Tensor) -> Tensor:
    """Eq. 11 with V folded, as everywhere in manet."""
    return attention.module(features)


FORMS: dict[str, Callable[[_Attention, Tensor], Tensor]] = {
    "dot product": dot_product,
    "dot product, fused": fused,
    "kernel": kernel_attention,
    "kernel, folded": folded,
}


@dataclass(frozen=True)
class AttentionCost:
    """What a form of attention needs, by arithmetic."""

    products: int
    """Multiply-accumulates of only the attention's products."""
    projections: int
    """Multiply-accumulates of the 1x1 convolutions to Q, K and V, without biases."""
    bytes: int
    """Bytes of Q, K, V, the output and the matrix between them, in float32."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates in all."""
        return self.products + self.projections


def cost(form: str, size: int) -> AttentionCost:
    """The cost of a form, by the shapes in Eq. 4 and 11; the N Dk of the normaliser are left out.

    Args:
        form: A name in `FORMS`.
        size: Height and width of the input.
    """
    n = size * size
    projections, maps = n * D * (2 * DK + DV), 2 * n * (DK + DV)
    match form:
        case "dot product":
            return AttentionCost(n * n * (DK + DV), projections, BYTES * (maps + n * n))
        case "dot product, fused":
            return AttentionCost(n * n * (DK + DV), projections, BYTES * maps)
        case "kernel":
            return AttentionCost(2 * n * DK * DV, projections, BYTES * (maps + DK * DV))
        case _:
            products = n * DK * D + DK * D * DV + n * DK * DV
            return AttentionCost(products, n * D * 2 * DK, BYTES * (maps - n * DV + DK * DV))


def ratios(size: int) -> tuple[float, float]:
    """Multiply-accumulates of dot-product over kernel attention: of the products only, and with the projections."""
    dot, kernel_ = cost("dot product", size), cost("kernel", size)
    return dot.products / kernel_.products, dot.macs / kernel_.macs


@dataclass(frozen=True)
class SizeCase:
    """A form of attention at a size, to be measured."""

    form: str
    size: int

    def prepare(self) -> tuple[Pass, Pass]:
        """A pass over a small input, and one over an input of `size`."""
        torch.manual_seed(0)
        attention, form = _Attention().eval(), FORMS[self.form]
        features = torch.randn(1, D, self.size, self.size)
        return lambda: form(attention, features[..., :8, :8]), lambda: form(attention, features)

    @property
    def feasible(self) -> bool:
        """Whether it can be measured within `LARGEST_BYTES` and `LARGEST_MACS`."""
        needed = cost(self.form, self.size)
        return needed.bytes <= LARGEST_BYTES and needed.macs <= LARGEST_MACS


@dataclass(frozen=True)
class SizeRow:
    """A form of attention at a size: always computed, measured if it is feasible."""

    form: str
    size: int
    cost: AttentionCost
    printed_macs: float | None
    printed_bytes: float | None
    measured: Measured | None = None


def count_size(form: str, size: int) -> SizeRow:
    """The row of a form at a size, without measurements."""
    return SizeRow(form, size, cost(form, size), *PRINTED.get((form, size), (None, None)))
