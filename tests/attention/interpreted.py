"""Run by test_fused.py in a process of its own, where Triton interprets kernels: compares them with the naive twin.

Arguments: shapes, each as batch x channels x height x width.
"""

import os
import sys

os.environ["TRITON_INTERPRET"] = "1"  # before triton is imported

import torch
from torch import Tensor

from manet.attention import KernelAttention, kernel, naive

VALID = {"all": None, "some": lambda x: (x > 0.4).float(), "shares": lambda x: x}


def gradients(output: Tensor, module: KernelAttention, features: Tensor) -> list[Tensor]:
    weights = torch.linspace(-1, 1, output.numel()).view_as(output)
    return list(torch.autograd.grad((output * weights).sum(), [features, *module.parameters()]))


def check(shape: tuple[int, ...], kind: str, last: bool) -> None:
    batch, channels, height, width = shape
    module = KernelAttention(channels, gate=0.7)
    features = torch.randn(shape)
    if last:
        features = features.contiguous(memory_format=torch.channels_last)
    features.requires_grad_()
    weigh = VALID[kind]
    valid = None if weigh is None else weigh(torch.rand(batch, 1, height, width))
    fast, twin = module(features, valid), naive.kernel_attention(module, features, valid)
    assert not torch.allclose(fast, features, atol=1e-3)
    assert not last or fast.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(fast, twin, rtol=1e-4, atol=1e-4)
    for a, b in zip(gradients(fast, module, features), gradients(twin, module, features), strict=True):
        scale = b.abs().max()
        torch.testing.assert_close(a / scale, b / scale, rtol=1e-4, atol=1e-4)


def check_edges() -> None:
    module = KernelAttention(16, gate=0.7)
    features = torch.randn(1, 16, 4, 6)
    torch.testing.assert_close(module(features, torch.zeros(1, 1, 4, 6)), features)
    torch.nn.init.constant_(module.query.bias, -60.0)  # type: ignore[arg-type]
    torch.testing.assert_close(module(features), naive.kernel_attention(module, features), rtol=1e-4, atol=1e-4)
    halves = [module.summarise(features[..., rows, :]) for rows in (slice(0, 1), slice(1, None))]
    for merged, whole in zip(module.merge(*halves), module.summarise(features), strict=True):
        torch.testing.assert_close(merged.float(), whole)


if __name__ == "__main__":
    torch.manual_seed(0)
    kernel.fuses = lambda features: True
    for index, argument in enumerate(sys.argv[1:]):
        kinds = list(VALID) if index == 0 else ["shares"]
        for kind in kinds:
            check(tuple(map(int, argument.split("x"))), kind, last=kind != "some")
    check_edges()
    from manet.attention import fused_kernels

    assert type(fused_kernels.attend).__name__ == "InterpretedFunction"
    print("equal")
