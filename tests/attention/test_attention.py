"""Attention against twins written from the equations: values, gradients, parts of a map, ties, low precision."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from manet.attention import (
    AttentionBlock,
    ChannelAttention,
    DotProductAttention,
    KernelAttention,
    SummaryModule,
    naive,
    published,
)
from manet.attention.softplus import softplus

CHANNELS = 24
SHAPES = [(2, 16, 24), (1, 1, 1), (3, 37, 5)]


MODULES: dict[str, tuple[Callable[[], SummaryModule], Callable[..., Tensor]]] = {
    "dot_product": (lambda: DotProductAttention(CHANNELS), naive.dot_product_attention),
    "kernel": (lambda: KernelAttention(CHANNELS), naive.kernel_attention),
    "channel": (ChannelAttention, naive.channel_attention),
    "block": (lambda: AttentionBlock(CHANNELS), naive.attention_block),
}


def make(name: str, gate: float = 0.7, dtype: torch.dtype = torch.float64) -> SummaryModule:
    module = MODULES[name][0]().to(dtype)
    for parameter_name, parameter in module.named_parameters():
        if parameter_name.endswith("gate"):
            torch.nn.init.constant_(parameter, gate)
    return module


def features_of(shape: tuple[int, int, int], dtype: torch.dtype = torch.float64) -> Tensor:
    batch, height, width = shape
    # the channel energy of unit features would be all diagonal; a small scale keeps the softmax soft
    return (torch.randn(batch, CHANNELS, height, width, dtype=torch.float64) * 0.3).to(dtype)


def valid_of(shape: tuple[int, int, int], kind: str) -> Tensor | None:
    if kind == "all":
        return None
    batch, height, width = shape
    valid = torch.rand(batch, 1, height, width, dtype=torch.float64)
    valid[..., 0, 0] = 0.5  # never a map without any valid position
    return (valid > 0.4).double() if kind == "some" else valid


def gradients(output: Tensor, module: SummaryModule, features: Tensor) -> list[Tensor]:
    weights = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view_as(output)
    return list(torch.autograd.grad((output * weights).sum(), [features, *module.parameters()]))


@pytest.mark.parametrize("valid_kind", ["all", "some", "shares"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("gate", [0.5, 1.3])
@pytest.mark.parametrize("name", MODULES)
def test_values_and_gradients_equal_the_naive_twin(
    name: str, gate: float, shape: tuple[int, int, int], valid_kind: str
) -> None:
    module, valid = make(name, gate), valid_of(shape, valid_kind)
    features = features_of(shape).requires_grad_()
    fast, twin = module(features, valid), MODULES[name][1](module, features, valid)
    assert not torch.allclose(fast, features, atol=1e-3)  # the attention does something
    torch.testing.assert_close(fast, twin, rtol=1e-9, atol=1e-10)
    for a, b in zip(gradients(fast, module, features), gradients(twin, module, features), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", MODULES)
def test_float32_and_bfloat16_stay_near_the_naive_twin_in_float64(name: str, shape: tuple[int, int, int]) -> None:
    exact, features = make(name), features_of(shape)
    expected = MODULES[name][1](exact, features)
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.bfloat16, 4e-2)):
        module = make(name, dtype=dtype)
        module.load_state_dict(exact.state_dict())
        out = module(features.to(dtype))
        assert out.dtype == dtype
        torch.testing.assert_close(out.double(), expected, rtol=tolerance, atol=tolerance)
        low = features.to(dtype).requires_grad_()
        high = features.clone().requires_grad_()
        expected_gradients = gradients(exact(high), exact, high)
        scale = max(g.abs().max() for g in expected_gradients)
        for a, b in zip(gradients(module(low), module, low), expected_gradients, strict=True):
            torch.testing.assert_close(a.double() / scale, b / scale, rtol=0, atol=2 * tolerance)


@pytest.mark.parametrize("valid_kind", ["all", "shares"])
@pytest.mark.parametrize("name", MODULES)
def test_merged_summaries_of_the_parts_are_the_summary_of_the_whole(name: str, valid_kind: str) -> None:
    module, shape = make(name), (2, 16, 24)
    features, valid = features_of(shape), valid_of((2, 16, 24), valid_kind)

    def part(rows: slice, columns: slice) -> tuple[Tensor, Tensor | None]:
        return features[..., rows, columns], None if valid is None else valid[..., rows, columns]

    top, left, right = (
        module.summarise(*part(*place))
        for place in (
            (slice(0, 7), slice(None)),
            (slice(7, None), slice(0, 11)),
            (slice(7, None), slice(11, None)),
        )
    )
    merged = module.merge(top, module.merge(left, right))
    for row in (slice(0, 7), slice(7, None)):
        out = module.attend(features[..., row, :], merged)
        torch.testing.assert_close(out, module(features, valid)[..., row, :], rtol=1e-9, atol=1e-10)
    alone = module(features[..., :7, :], None if valid is None else valid[..., :7, :])
    assert (alone - module(features, valid)[..., :7, :]).abs().max() > 1e-3  # parts by themselves differ


@pytest.mark.parametrize("name", ["kernel", "channel", "block"])
def test_the_summary_does_not_grow_with_the_map(name: str) -> None:
    module = make(name)
    assert module.bounded
    small, large = (module.summarise(features_of(shape)) for shape in ((1, 2, 3), (1, 16, 24)))
    assert [s.shape for s in small] == [s.shape for s in large]


@pytest.mark.parametrize("name", MODULES)
def test_invalid_positions_have_no_influence(name: str) -> None:
    module, features = make(name), features_of((2, 16, 24))
    valid = torch.ones(2, 1, 16, 24, dtype=torch.float64)
    valid[..., 10:, :] = 0
    changed = features.clone()
    changed[..., 10:, :] = 50
    torch.testing.assert_close(module(features, valid)[..., :10, :], module(changed, valid)[..., :10, :])
    torch.testing.assert_close(module(features, valid)[..., :10, :], module(features[..., :10, :]))


@pytest.mark.parametrize("name", MODULES)
def test_a_map_without_a_valid_position_gives_finite_values(name: str) -> None:
    module, features = make(name, dtype=torch.float32), features_of((1, 4, 6), torch.float32)
    assert module(features, torch.zeros(1, 1, 4, 6)).isfinite().all()


def test_near_ties_in_the_channel_softmax() -> None:
    module = make("channel")
    features = features_of((1, 37, 5))
    # channels 0 and 1 are almost alike and opposed to the rest: every row has two near-equal largest weights
    features[:, 0] = -features[:, 2:].mean(dim=1) * 20
    features[:, 1] = features[:, 0] * (1 + 1e-6)
    energy = torch.einsum("bchw,bdhw->bcd", features, features)
    top = (-energy).softmax(dim=2).topk(2, dim=2).values[0, 5]
    assert 0.1 < top[1] / top[0] <= 1  # the tie is there
    expected = naive.channel_attention(module, features)
    torch.testing.assert_close(module(features), expected, rtol=1e-9, atol=1e-10)
    single = make("channel", dtype=torch.float32)
    torch.testing.assert_close(single(features.float()).double(), expected, rtol=1e-4, atol=1e-4)


def test_sums_are_float32_under_autocast() -> None:
    block = make("block", dtype=torch.float32)
    features = features_of((1, 64, 64), torch.float32) * 30  # energies beyond what float16 holds
    with torch.autocast("cpu", torch.bfloat16):
        summary = block.summarise(features)
        out = block.attend(features, summary)
    assert all(part.dtype == torch.float32 for part in summary)
    assert summary[2].abs().max() > 65504
    torch.testing.assert_close(summary[2], block.summarise(features)[2], rtol=1e-5, atol=1e-2)
    assert out.isfinite().all()


def test_the_published_order_is_the_same_function() -> None:
    module, features = make("kernel"), features_of((2, 16, 16)).requires_grad_()
    ours, theirs = module(features), published.kernel_attention(module, features)  # type: ignore[arg-type]
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-10)
    for a, b in zip(gradients(ours, module, features), gradients(theirs, module, features), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-9)


def test_channels_last_stays_channels_last_and_few_positions_give_the_same() -> None:
    module = make("kernel")
    for shape in ((2, 16, 24), (2, 1, 2)):  # more positions than keys, and fewer
        features = features_of(shape).contiguous(memory_format=torch.channels_last)
        out = module(features)
        torch.testing.assert_close(out, naive.kernel_attention(module, features), rtol=1e-9, atol=1e-10)  # type: ignore[arg-type]
    assert module(features_of((2, 16, 24)).contiguous(memory_format=torch.channels_last)).stride(1) == 1


def test_softplus_to_the_last_digits():
    x = torch.cat([torch.linspace(-80, 80, 100_001), torch.tensor([0.0, -0.0, 1e30])])
    expected = torch.log1p(torch.exp(-x.double().abs())) + x.double().clamp_min(0)
    assert ((softplus(x) - expected).abs() / expected).max() < 3e-7
    assert softplus(torch.tensor([-1e30, -torch.inf, torch.inf])).tolist() == [0, 0, torch.inf]
    some = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(softplus, some) and torch.autograd.gradgradcheck(softplus, some)
    torch.testing.assert_close(softplus(some), torch.nn.functional.softplus(some), rtol=1e-14, atol=0)
