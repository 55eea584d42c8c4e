"""Multiply-accumulates under two rules, counted without computing anything: tensors only have shapes."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

RULES = {
    "modules only": "every convolution and linear layer with its bias, batch norm as 2 per element, ReLU and pooling "
    "as 1 per element; products written with matmul or einsum are not seen. This is how the paper's tool counted.",
    "with products": "only convolutions, linear layers and matrix products, without biases: half the operations that "
    "torch's FlopCounterMode counts. As batch norm, ReLU and biases are left out, it can be the smaller of the two.",
}
"""The rules, in words. Both count the modules as their papers write them down: V at every position, K V, then Q."""


class MacCounts(NamedTuple):
    """Multiply-accumulates of one forward pass by each rule."""

    modules_only: int
    with_products: int


class Shapes(FakeTensorMode):
    """A context in which modules are built and passes run without memory and without computing."""


def count(forward: Callable[[Tensor], Any], shape: Sequence[int]) -> MacCounts:
    """Count the multiply-accumulates of a pass by both rules.

    Args:
        forward: The pass; to be called in the `Shapes` that its modules were built in.
        shape: Shape of its input.
    """
    layers = _LayerCounter()
    with torch.no_grad(), layers:
        forward(torch.zeros(*shape))
    return MacCounts(layers.total, count_products(forward, shape))


def count_products(forward: Callable[[Tensor], Any], shape: Sequence[int]) -> int:
    """Multiply-accumulates of the convolutions, linear layers and matrix products of a pass.

    Nothing is computed if the modules were built in `Shapes` and this is called there; otherwise the pass is computed.

    Args:
        forward: The pass.
        shape: Shape of its input.
    """
    products = FlopCounterMode(display=False)
    with torch.no_grad(), products:
        forward(torch.zeros(*shape))
    return products.get_total_flops() // 2


def parameters(module: nn.Module) -> int:
    """Number of parameters of a module."""
    return sum(p.numel() for p in module.parameters())


class _LayerCounter(TorchFunctionMode):
    """Counts layers when they are called, so that layers used as functions count as well."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if rule := LAYERS.get(getattr(func, "__name__", "")):
            self.total += rule(out, *args, **(kwargs or {}))
        return out


def _convolution(out: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None = None, *_: Any, **__: Any) -> int:
    return out.numel() * (math.prod(weight.shape[1:]) + (bias is not None))


def _transposed(out: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None = None, *_: Any, **__: Any) -> int:
    return x.numel() * math.prod(weight.shape[1:]) + (out.numel() if bias is not None else 0)


def _element_of_input(factor: int) -> Callable[..., int]:
    return lambda out, x, *_, **__: factor * x.numel()


LAYERS: dict[str, Callable[..., int]] = {
    "conv2d": _convolution,
    "conv_transpose2d": _transposed,
    "linear": _convolution,
    "batch_norm": _element_of_input(2),
    "relu": _element_of_input(1),
    "relu_": _element_of_input(1),
    "max_pool2d": _element_of_input(1),
    "avg_pool2d": _element_of_input(1),
    "adaptive_avg_pool2d": _element_of_input(1),
    "adaptive_max_pool2d": _element_of_input(1),
}
"""What the rule "modules only" counts, by the name of the function in torch."""
