"""Counts against the published figures and against arithmetic; the published order of operations against ours."""

import json

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from builders import Run, one_line
from manet.networks import NETWORKS, build
from manet.paper.complexity.counting import Shapes, count
from manet.paper.complexity.measuring import measure
from manet.paper.complexity.modules import CHANNELS, MODULES, SIZE, count_module
from manet.paper.complexity.page import FILES, write_json, write_page
from manet.paper.complexity.report import CostReport, tables
from manet.paper.complexity.sizes import FORMS, SIZES, SizeCase, _Attention, cost, count_size, ratios
from manet.paper.published import published

# parameters in millions, GMAC by "modules only" and "with products", of the modules' structures
EXPECTED = {
    "SE": (38.28, 618.6, 618.5),
    "CBAM": (38.28, 618.6, 618.5),
    "EAM": (9.44, 154.7, 171.8),
    "FAM": (5.245, 85.9, 103.1),
    "LAM": (5.245, 85.9, 103.1),
    "DAB": (23.93, 392.2, 555.3),
    "PPM": (23.07, 309.5, 309.3),
    "ASPP": (15.54, 246.0, 245.9),
    "LKPP": (54.47, 884.0, 883.7),
    "KAM": (5.245, 85.9, 103.1),
}


@pytest.mark.parametrize("name", MODULES)
def test_modules_cost_what_their_structures_say(name: str):
    row = count_module(name)
    found = (row.parameters / 1e6, row.counts.modules_only / 1e9, row.counts.with_products / 1e9)
    assert found == pytest.approx(EXPECTED[name], rel=1e-3)


def test_folding_v_takes_a_third_of_kernel_attentions_operations():
    row = count_module("KAM")
    assert row.computed / 1e9 == pytest.approx(35.4, rel=2e-3)
    assert row.counts.with_products == pytest.approx(2.91 * row.computed, rel=1e-2)


@pytest.mark.parametrize("name", MODULES)
def test_published_order_gives_the_modules_values(name: str):
    torch.manual_seed(1)
    module = MODULES[name](32).double().eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    features = torch.randn(2, 32, 12, 18, dtype=torch.float64)
    torch.testing.assert_close(published(module, features), module(features))


@pytest.mark.parametrize("name", NETWORKS)
def test_published_order_gives_the_networks_logits(name: str):
    torch.manual_seed(1)
    network = build(name, encoder="resnet10t" if name not in ("danet", "pspnet") else "resnet18", classes=4).double()
    network.eval()
    for key, parameter in network.named_parameters():
        if key.endswith("gate"):
            torch.nn.init.constant_(parameter, 0.7)
    images = torch.randn(1, 3, 64, 96, dtype=torch.float64)
    torch.testing.assert_close(published(network, images), network(images))


def test_layers_are_counted_by_the_rule():
    with Shapes():
        layers = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, padding=1),
            torch.nn.BatchNorm2d(8),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
            torch.nn.ConvTranspose2d(8, 4, 2, stride=2),
        ).eval()
        counts = count(layers, (1, 3, 10, 14))
    n = 10 * 14
    convolution, transposed = 8 * n * 27, 8 * (n // 4) * 4 * 4
    assert counts.modules_only == convolution + 8 * n + 2 * 8 * n + 8 * n + 8 * n + transposed + 4 * n
    assert counts.with_products == convolution + transposed


def test_ratios_of_figure_5():
    assert ratios(256) == pytest.approx((1536, 512 + 2 / 3))


@pytest.mark.parametrize("form", FORMS)
def test_costs_by_arithmetic_are_those_of_the_computation(form: str):
    size = 16
    attention = _Attention().eval()
    counted = FlopCounterMode(display=False)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counted:  # which is counted
        FORMS[form](attention, torch.randn(1, 64, size, size))
    expected = cost(form, size)
    fused_padding = size**4 * 32 if "fused" in form else 0  # queries and keys are padded to the values' width
    normaliser = 32 * size**2 if "kernel" in form else 0
    assert counted.get_total_flops() // 2 == pytest.approx(expected.macs + fused_padding + normaliser, rel=1e-3)


def test_forms_of_an_attention_are_one_function():
    torch.manual_seed(2)
    attention = _Attention().double().eval()
    features = torch.randn(1, 64, 9, 13, dtype=torch.float64)
    outs = {name: form(attention, features) for name, form in FORMS.items()}
    torch.testing.assert_close(outs["dot product"].squeeze(), outs["dot product, fused"].squeeze())
    torch.testing.assert_close(outs["kernel"], outs["kernel, folded"])
    assert (outs["kernel"] - features).abs().max() > 0.01


def test_time_and_peak_memory_are_measured_in_processes():
    small, large = measure([SizeCase("dot product", 16), SizeCase("dot product", 64)], rounds=1)
    assert small is not None and large is not None
    assert large.seconds > small.seconds > 0
    if large.peak_bytes is not None:  # where the system tells: the N x N matrix, twice for a softmax not in place
        matrix = 4 * 64**4
        assert matrix < large.peak_bytes < 3 * matrix


def test_page_figure_and_json(tmp_path):
    report = CostReport([count_module("KAM")], [count_size(form, size) for size in SIZES for form in FORMS], [])
    write_page(report, tmp_path)
    page = (tmp_path / FILES[0]).read_text(encoding="utf-8")
    assert "| KAM | 5.245 | 5.3 | 85.9 | 85.9 | 103.1 | 35.4 | - | - | 160 |" in page
    assert "matmul or einsum are not seen" in page and "503.0 G" in page and "| 256² | 1536 | 513 |" in page
    assert all((tmp_path / name).stat().st_size > 5000 for name in FILES[1:])
    write_json(report, tmp_path / "c.json")
    read = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    assert read["modules"][0]["counts"] == [
        report.modules[0].counts.modules_only,
        report.modules[0].counts.with_products,
    ]
    assert len(tables(report)) == 4


def test_sizes_beyond_the_machine_are_computed_not_measured():
    assert not SizeCase("dot product", 256).feasible and not SizeCase("dot product, fused", 512).feasible
    assert SizeCase("kernel", 512).feasible
    assert SIZE == 128 and CHANNELS == 2048


@pytest.mark.slow
def test_command_counts_everything_and_refuses_to_overwrite(run: Run, tmp_path):
    arguments = "benchmark", "complexity", "--rounds", 0, "--out", tmp_path
    status, text, _ = run(*arguments)
    assert status == 0 and all(name in text for name in (*MODULES, *NETWORKS))
    status, _, error = run(*arguments)
    assert status == 2 and "exists already" in one_line(error)
