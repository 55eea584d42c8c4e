"""Kernel attention on CUDA: two passes over the features, each in one Triton kernel. Imported only where it is used.

`summarise` reads the features once and gives the key sum and phi(K)^T X: projection, softplus and the weights of
positions are computed inside. `attend` reads them again and writes the output: projection, softplus, quotient, gate and
residual are inside. Backward computes queries and keys again instead of storing them; what it holds on the way has an
eighth of the channels. `KernelAttention` decides when they are used, and folds V between the two.

Maps are wider than a processor's registers from 512 channels on. Pass one then computes the keys once per 256 channels.
"""

# pyright: reportArgumentType=false

from typing import Any

import torch
import triton
from torch import Tensor

from manet.attention import fused_kernels as kernels

POSITIONS = 512
"""Positions that one program of pass one sums; its sums are added in float32, in a fixed order."""


def summarise(x: Tensor, weight: Tensor, bias: Tensor, valid: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The key sum and phi(K)^T X, with K = X weight^T + bias.

    Args:
        x: (batch, channels, positions) of any strides; float32, bfloat16 or float16.
        weight: (keys, channels).
        bias: (keys,).
        valid: (batch, positions), the weight of each position; it gets no gradient. None: all 1.

    Returns:
        (batch, keys) and (batch, keys, channels), float32.
    """
    return _Summarise.apply(x, weight, bias, valid)  # type: ignore[no-any-return]


def attend(x: Tensor, weight: Tensor, bias: Tensor, gate: Tensor, denominator: Tensor, key_values: Tensor) -> Tensor:
    """x + gate * (phi(Q) key_values) / (phi(Q) denominator), with Q = X weight^T + bias.

    Args:
        x: (batch, channels, positions) of any strides; float32, bfloat16 or float16.
        weight: (keys, channels).
        bias: (keys,).
        gate: (1,).
        denominator: (batch, keys), float32.
        key_values: (batch, keys, channels), float32.

    Returns:
        (batch, channels, positions), of the type and strides of x.
    """
    return _Attend.apply(x, weight, bias, gate, denominator, key_values)  # type: ignore[no-any-return]


def _tiles(x: Tensor, keys: int) -> dict[str, int]:
    """How many positions, keys and channels a program holds at a time; products take at least 16 of each."""
    wide = keys > 128
    single = x.dtype == torch.float32
    return {
        "TILE_N": 32 if wide or single else 64,
        "TILE_K": max(triton.next_power_of_2(keys), 16),
        "TILE_C": min(max(triton.next_power_of_2(x.shape[1]), 16), 32 if single else 64),
        "num_warps": 8 if wide else 4,
        "num_stages": 2,
    }


class _Summarise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
        weight, bias = weight.contiguous(), bias.contiguous()
        valid = None if valid is None else valid.float().contiguous()
        batch, channels, positions = x.shape
        keys = weight.shape[0]
        tiles = _tiles(x, keys)
        tiles["TILE_K"], tiles["num_warps"] = min(tiles["TILE_K"], 64), 8
        out_tile = min(max(triton.next_power_of_2(channels), 16), 128 if x.dtype == torch.float32 else 256)
        parts = triton.cdiv(positions, POSITIONS)
        across = triton.cdiv(channels, out_tile)
        sums = x.new_empty(parts, batch, keys, dtype=torch.float32)
        products = x.new_empty(parts, batch, keys, channels, dtype=torch.float32)
        kernels.summarise[(parts, batch, across * triton.cdiv(keys, tiles["TILE_K"]))](
            x, weight, bias, x if valid is None else valid, sums, products,
            positions, channels, keys, batch, across, *x.stride(),
            HAS_VALID=valid is not None, POSITIONS=POSITIONS, OUT_C=out_tile, **tiles,
        )  # fmt: skip
        ctx.save_for_backward(x, weight, bias, valid)
        return sums.sum(0), products.sum(0)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias, valid = ctx.saved_tensors
        of_sums, of_products = (gradient.contiguous() for gradient in gradients)
        batch, channels, positions = x.shape
        keys = weight.shape[0]
        of_x = torch.empty_like(x)
        of_keys = x.new_empty(batch, positions, keys)
        tiles = _tiles(x, keys)
        kernels.summarise_backward[(triton.cdiv(positions, tiles["TILE_N"]), batch)](
            x, weight, bias, x if valid is None else valid, of_sums, of_products, of_x, of_keys,
            positions, channels, keys, *x.stride(), *of_x.stride(), HAS_VALID=valid is not None, **tiles,
        )  # fmt: skip
        return of_x, *_of_projection(of_keys, x, weight, bias), None


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, gate: Tensor, denominator: Tensor, key_values: Tensor
    ) -> Tensor:
        weight, bias, denominator, key_values = (t.contiguous() for t in (weight, bias, denominator, key_values))
        batch, channels, positions = x.shape
        out = torch.empty_like(x)
        tiles = _tiles(x, weight.shape[0])
        kernels.attend[(triton.cdiv(positions, tiles["TILE_N"]), batch)](
            x, weight, bias, gate, denominator, key_values, out,
            positions, channels, weight.shape[0], *x.stride(), *out.stride(), **tiles,
        )  # fmt: skip
        ctx.save_for_backward(x, weight, bias, gate, denominator, key_values)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias, gate, denominator, key_values = ctx.saved_tensors
        (of_out,) = gradients
        batch, channels, positions = x.shape
        keys = weight.shape[0]
        of_x = torch.empty_like(x)
        of_queries, scaled = (x.new_empty(batch, positions, keys) for _ in range(2))
        shares = x.new_empty(batch, positions, dtype=torch.float32)
        tiles = _tiles(x, keys)
        kernels.attend_backward[(triton.cdiv(positions, tiles["TILE_N"]), batch)](
            x, weight, bias, gate, denominator, key_values, of_out, of_x, of_queries, scaled, shares,
            positions, channels, keys, *x.stride(), *of_out.stride(), *of_x.stride(), **tiles,
        )  # fmt: skip
        of_gate = shares.sum().to(gate.dtype).view_as(gate)
        of_denominator = -torch.einsum("bnk,bn->bk", scaled.float(), shares)
        of_key_values = (scaled.transpose(1, 2) @ of_out.transpose(1, 2)).float()
        return of_x, *_of_projection(of_queries, x, weight, bias), of_gate, of_denominator, of_key_values


def _of_projection(of_projected: Tensor, x: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of weight and bias, given that of the projected positions (batch, positions, keys)."""
    of_weight = (of_projected.transpose(1, 2) @ x.transpose(1, 2)).sum(0, dtype=torch.float32)
    return of_weight.to(weight.dtype), of_projected.sum((0, 1), dtype=torch.float32).to(bias.dtype)
