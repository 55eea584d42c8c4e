"""The comparison modules against twins written from the equations: values, gradients, parts of a map, parameters."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from manet.attention import (
    BlockAttention,
    EfficientAttention,
    FastAttention,
    KernelAttention,
    LinearAttention,
    Place,
    SqueezeExcitation,
    SummaryModule,
    naive,
)
from manet.attention.lateral import LateralAttention
from manet.attention.mean_channel import MeanChannelAttention
from manet.attention.pooling import ImagePooling, PooledNorm
from manet.networks import deeplabv3plus, eanet, pspnet
from manet.networks import naive as twins
from manet.networks.danet import DualAttention
from manet.networks.deeplabv3plus import AtrousPyramid
from manet.networks.eanet import LargeKernelPyramid
from manet.networks.pspnet import PyramidPooling

CHANNELS = 32
SHAPES = [(2, 16, 24), (1, 1, 1), (3, 37, 5)]
Naive = Callable[..., Tensor]

MODULES: dict[str, tuple[Callable[[int], SummaryModule], Naive]] = {
    "se": (SqueezeExcitation, naive.squeeze_excitation),
    "cbam": (BlockAttention, naive.block_attention),
    "eam": (EfficientAttention, naive.efficient_attention),
    "fam": (FastAttention, naive.fast_attention),
    "lam": (LinearAttention, naive.linear_attention),
    "dab": (DualAttention, twins.dual_attention),
    "ppm": (PyramidPooling, twins.pyramid_pooling),
    "mean channel": (lambda channels: MeanChannelAttention(), naive.mean_channel_attention),
    "lateral": (lambda channels: LateralAttention(channels, channels // 2), naive.lateral_attention),
    "pooling": (lambda channels: ImagePooling(channels, channels), naive.image_pooling),
    "aspp": (AtrousPyramid, twins.atrous_pyramid),
    "lkpp": (LargeKernelPyramid, twins.large_kernel_pyramid),
}


def make(name: str, gate: float = 0.7, dtype: torch.dtype = torch.float64) -> SummaryModule:
    """In evaluation, with calibrated batch norm, open gates, and weights large enough for every part to matter."""
    with pytest.MonkeyPatch.context() as patch:
        for heads in (deeplabv3plus, eanet):
            patch.setattr(heads, "CHANNELS", 8)  # of 256, for speed
        module = MODULES[name][0](CHANNELS).to(dtype)
    for parameter_name, parameter in module.named_parameters():
        if parameter_name.endswith("gate"):
            nn.init.constant_(parameter, gate)
        elif parameter_name.startswith("squeeze"):
            nn.init.uniform_(parameter, 0, 0.2)  # not negative: what is pooled is not either, and no ReLU is dead
        elif parameter_name.startswith(("excite", "spatial")):
            nn.init.normal_(parameter)
    with torch.no_grad():
        for _ in range(5):
            module(features_of((4, 12, 12), dtype))
    return module.eval()


def features_of(shape: tuple[int, int, int], dtype: torch.dtype = torch.float64) -> Tensor:
    batch, height, width = shape
    return torch.randn(batch, CHANNELS, height, width, dtype=torch.float64).add(0.3).to(dtype)


def valid_of(shape: tuple[int, int, int], kind: str) -> Tensor | None:
    if kind == "all":
        return None
    batch, height, width = shape
    valid = torch.rand(batch, 1, height, width, dtype=torch.float64)
    valid[..., 0, 0] = 0.5  # never a map without any valid position
    return (valid > 0.4).double() if kind == "some" else valid.where(valid > 0.2, 0)


def gradients(output: Tensor, module: SummaryModule, features: Tensor) -> list[Tensor]:
    weights = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view_as(output)
    return list(torch.autograd.grad((output * weights).sum(), [features, *module.parameters()]))


@pytest.mark.parametrize("valid_kind", ["all", "some", "shares"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", MODULES)
def test_values_and_gradients_equal_the_naive_twin(name: str, shape: tuple[int, int, int], valid_kind: str) -> None:
    module, valid = make(name), valid_of(shape, valid_kind)
    features = features_of(shape).requires_grad_()
    fast_out, naive_out = module(features, valid), MODULES[name][1](module, features, valid)
    torch.testing.assert_close(fast_out, naive_out, rtol=1e-9, atol=1e-10)
    for a, b in zip(gradients(fast_out, module, features), gradients(naive_out, module, features), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", ["eam", "fam", "lam"])
@pytest.mark.parametrize("gate", [0.5, 1.3])
def test_open_gates_change_the_features(name: str, gate: float) -> None:
    module, features = make(name, gate), features_of((2, 16, 24))
    out = module(features)
    assert (out - features).abs().mean() > 0.02
    torch.testing.assert_close(out, MODULES[name][1](module, features), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", MODULES)
def test_float32_stays_near_the_naive_twin_in_float64(name: str, shape: tuple[int, int, int]) -> None:
    exact, single = make(name), make(name, dtype=torch.float32)
    single.load_state_dict(exact.state_dict())
    high = features_of(shape).requires_grad_()
    low = high.detach().float().requires_grad_()
    expected, out = MODULES[name][1](exact, high), single(low)
    assert out.dtype == torch.float32
    torch.testing.assert_close(out.double(), expected, rtol=1e-5, atol=1e-5)
    expected_gradients = gradients(expected, exact, high)
    scale = max(g.abs().max() for g in expected_gradients)
    for a, b in zip(gradients(out, single, low), expected_gradients, strict=True):
        torch.testing.assert_close(a.double() / scale, b / scale, rtol=0, atol=2e-5)


@pytest.mark.parametrize("name", MODULES)
def test_sums_are_float32_under_autocast(name: str) -> None:
    module, features = make(name, dtype=torch.float32), features_of((1, 16, 24), torch.float32) * 0.3
    with torch.autocast("cpu", torch.bfloat16):
        summary = module.summarise(module.prepare(features))
        out = module(features)
    if name != "dab":  # whose keys and values are the convolutions' own
        assert all(part.dtype == torch.float32 for part in summary)
    torch.testing.assert_close(out.float(), module(features), rtol=0.1, atol=0.1)


@pytest.mark.parametrize("valid_kind", ["all", "shares"])
@pytest.mark.parametrize("name", MODULES)
def test_merged_summaries_of_the_parts_are_the_summary_of_the_whole(name: str, valid_kind: str) -> None:
    module, shape = make(name), (2, 16, 24)
    features, valid = features_of(shape), valid_of(shape, valid_kind)
    features[..., 11:] += 0.5  # parts that differ
    expected, prepared = module(features, valid), module.prepare(features)

    def summary_of(rows: slice, cols: slice) -> tuple[Tensor, ...]:
        part = None if valid is None else valid[..., rows, cols]
        return module.summarise(prepared[..., rows, cols], part, Place(rows.start, cols.start, 16, 24))

    top = summary_of(slice(0, 7), slice(0, 24))
    left, right = summary_of(slice(7, 16), slice(0, 11)), summary_of(slice(7, 16), slice(11, 24))
    merged = module.merge(module.merge(right, top), left)
    torch.testing.assert_close(module.attend(prepared, merged), expected, rtol=1e-9, atol=1e-10)
    assert (module.attend(prepared, left) - expected).abs().max() > 1e-3  # a part by itself differs


@pytest.mark.parametrize("name", MODULES)
def test_a_window_with_a_halo_of_the_reach_is_exact_and_no_smaller_one_is(name: str) -> None:
    module, features = make(name), features_of((1, 5, 60))
    expected, summary = module(features), module.summarise(module.prepare(features))
    window = module.attend(module.prepare(features[..., :40]), summary, Place(0, 0, 5, 60))
    exact = 40 - module.reach
    torch.testing.assert_close(window[..., :exact], expected[..., :exact], rtol=1e-9, atol=1e-10)
    if module.reach:
        assert (window[..., exact] - expected[..., exact]).abs().max() > 1e-9


@pytest.mark.parametrize("name", MODULES)
def test_the_summary_does_not_grow_with_the_map(name: str) -> None:
    module = make(name)
    small, large = (module.summarise(module.prepare(features_of(shape))) for shape in ((1, 2, 3), (1, 16, 24)))
    assert module.bounded == ([s.shape for s in small] == [s.shape for s in large]) == (name != "dab")


@pytest.mark.parametrize("name", MODULES)
def test_invalid_positions_have_no_influence_on_the_summary(name: str) -> None:
    module, features = make(name), features_of((2, 16, 24))
    features[..., :10, :] += 1
    prepared, valid = module.prepare(features), torch.ones(2, 1, 16, 24, dtype=torch.float64)
    valid[..., 10:, :] = 0
    changed = torch.cat([prepared[..., :10, :], torch.full_like(prepared[..., 10:, :], 50)], dim=2)
    unseen = module.attend(prepared, module.summarise(changed, valid))
    torch.testing.assert_close(unseen, module.attend(prepared, module.summarise(prepared, valid)))
    assert (unseen - module.attend(prepared, module.summarise(prepared))).abs().max() > 1e-3


@pytest.mark.parametrize("name", MODULES)
def test_a_map_without_a_valid_position_gives_finite_values(name: str) -> None:
    module = make(name, dtype=torch.float32)
    features = features_of((1, 4, 6), torch.float32).requires_grad_()
    out = module(features, torch.zeros(1, 1, 4, 6))
    assert out.isfinite().all()
    assert all(g.isfinite().all() for g in gradients(out, module, features))
    part = module.summarise(module.prepare(features), torch.zeros(1, 1, 4, 6))
    whole = module.summarise(module.prepare(features))
    both = module.attend(module.prepare(features), module.merge(part, whole))
    torch.testing.assert_close(both, module(features), rtol=1e-4, atol=1e-5)


def test_keys_far_apart_keep_the_running_maximum_exact() -> None:
    """exp(k) of such keys is beyond float32; the parts' maxima differ by more than its exponent holds."""
    module = make("eam", dtype=torch.float32)
    nn.init.normal_(module.key.weight, std=30)  # type: ignore[union-attr]
    features = features_of((1, 16, 24), torch.float32)
    assert module.key(features).amax() > 100  # type: ignore[operator]
    parts = [module.summarise(features[..., :5]), module.summarise(features[..., 5:])]
    out = module.attend(features, module.merge(*parts))
    assert out.isfinite().all()
    torch.testing.assert_close(out, module(features), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        out.double(), naive.efficient_attention(module.double(), features.double()), rtol=1e-3, atol=1e-3
    )  # type: ignore[arg-type]


@pytest.mark.parametrize("bins", [1, 2, 3, 6])
@pytest.mark.parametrize(("height", "width"), [(16, 24), (37, 5), (1, 1), (6, 7)])
def test_regions_are_those_of_adaptive_pooling(bins: int, height: int, width: int) -> None:
    module, features = make("ppm"), features_of((1, height, width))
    at = pspnet.BINS.index(bins)
    total, weight = module.summarise(features)[2 * at : 2 * at + 2]
    torch.testing.assert_close(total / weight, nn.functional.adaptive_avg_pool2d(features, bins))


def test_pooled_norm_takes_a_single_value() -> None:
    norm = PooledNorm(4)
    plain = nn.BatchNorm2d(4)
    several, single = torch.randn(3, 4, 1, 1), torch.randn(1, 4, 1, 1)
    torch.testing.assert_close(norm(several), plain(several))
    assert not torch.equal(norm.running_mean, torch.zeros(4))  # type: ignore[arg-type]
    torch.testing.assert_close(norm(single), plain.eval()(single))
    with pytest.raises(ValueError, match="more than 1 value"):
        plain.train()(single)


PARAMETERS_M: dict[type[SummaryModule], float] = {
    SqueezeExcitation: 38.28,
    BlockAttention: 38.28,
    EfficientAttention: 9.44,
    FastAttention: 5.245,
    LinearAttention: 5.245,
    KernelAttention: 5.245,
    DualAttention: 23.93,
    PyramidPooling: 23.07,
    AtrousPyramid: 15.54,
    LargeKernelPyramid: 54.47,
}


@pytest.mark.parametrize("module", PARAMETERS_M, ids=lambda module: module.__name__)
def test_parameters_at_2048_channels(module: type[SummaryModule]) -> None:
    with torch.device("meta"):
        parameters = sum(p.numel() for p in module(2048).parameters())  # type: ignore[call-arg]
    assert parameters / 1e6 == pytest.approx(PARAMETERS_M[module], rel=1e-3)
