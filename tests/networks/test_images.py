"""What a network says to images that it cannot take, to values that its statistics do not fit, and of itself."""

import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import manet
from builders import textured
from manet.errors import NetworkError, StatisticsWarning
from manet.networks import NETWORKS, Network, build, list_networks


@pytest.fixture(scope="module")
def fcn() -> Network:
    return build("fcn", encoder="resnet10t", classes=4).eval()


@pytest.mark.parametrize("size", [128, 130])
@pytest.mark.parametrize("training", [False, True])
def test_images_that_a_network_cannot_take(size: int, training: bool, fcn: Network) -> None:
    whole = torch.zeros(2, 3, size, size)
    wrong: list[tuple[Any, str]] = [
        (whole[0], rf"shape \(3, {size}, {size}\).*expected \(batch, 3, height, width\).*images\[None\]"),
        (whole.to(torch.uint8), "uint8.*floating point"),
        (whole.long(), "int64.*floating point"),
        (whole.bool(), "bool.*floating point"),
        (whole.double(), "float64.*float32"),
        (whole.permute(0, 2, 3, 1), f"{size} bands.*takes 3 bands.*permute"),
        (torch.zeros(2, 4, size, size), "4 bands.*takes 3"),
        (np.zeros((2, 3, size, size), np.float32), "numpy.ndarray.*torch tensor"),
    ]
    fcn.train(training)
    for images, message in wrong:
        for call in (fcn, fcn.training_logits):
            with pytest.raises(NetworkError, match=message):
                call(images)
    fcn.eval()


@pytest.mark.parametrize("size", [128, 130])
def test_valid_that_a_network_cannot_take(size: int, fcn: Network) -> None:
    images = torch.zeros(2, 3, size, size)
    for valid, message in (
        (torch.ones(2, size, size), rf"expected \(2, 1, {size}, {size}\)"),
        (torch.ones(1, 1, size, size), rf"expected \(2, 1, {size}, {size}\)"),
        (torch.ones(2, 1, 96, size), "expected"),
        (torch.ones(2, 1, size, size, dtype=torch.long), "int64.*bool"),
        (np.ones((2, 1, size, size), np.float32), "numpy.ndarray"),
    ):
        with pytest.raises(NetworkError, match=message):
            fcn(images, valid)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [96, 100])
def test_valid_is_the_same_as_floating_point_bool_or_bytes(size: int, small_manet: Network) -> None:
    images, valid = textured(1, 3, size, size), torch.ones(1, 1, size, size)
    valid[..., 40:, :30] = 0
    with torch.no_grad():
        expected = small_manet(images, valid)
        assert not torch.equal(expected, small_manet(images))
        for same in (valid.bool(), valid.to(torch.uint8), valid.to(torch.uint8) * 255, valid.double()):
            assert torch.equal(small_manet(images, same), expected)


def test_valid_of_the_parts_of_a_network(small_manet: Network) -> None:
    images, valid = textured(1, 3, 96, 128), torch.ones(1, 1, 96, 128)
    valid[..., 40:, :30] = 0
    with torch.no_grad():
        features = small_manet.encode(images, valid)
        summaries = small_manet.summarise(features, valid)
        for same in (valid.bool(), valid.to(torch.uint8), valid.to(torch.uint8) * 255):
            for got, expected in zip(small_manet.encode(images, same), features, strict=True):
                assert torch.equal(got, expected)
            for got, expected in zip(small_manet.summarise(features, same), summaries, strict=True):
                assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))
        for wrong, message in (
            (valid[0], r"expected \(1, 1, 96, 128\)"),
            (valid[..., :64], r"expected \(1, 1, 96, 128\)"),
            (valid.long(), "int64.*bool"),
            (valid.numpy(), "numpy.ndarray"),
        ):
            with pytest.raises(NetworkError, match=message):
                small_manet.encode(images, wrong)  # type: ignore[arg-type]
            with pytest.raises(NetworkError, match=message):
                small_manet.summarise(features, wrong)  # type: ignore[arg-type]


def heard(network: Network, images: Tensor, valid: Tensor | None = None) -> list[str]:
    with warnings.catch_warnings(record=True) as caught, torch.no_grad():
        warnings.simplefilter("always")
        network(images, valid)
    assert all(w.category is StatisticsWarning and w.filename == __file__ for w in caught), caught
    return [str(w.message) for w in caught]


@pytest.mark.parametrize("training", [False, True])
def test_imagery_that_the_statistics_do_not_fit(training: bool) -> None:
    network = build("fcn", encoder="resnet10t", classes=4).train(training)
    photo, scaled = torch.randint(256, (2, 3, 64, 96)).float(), torch.rand(2, 3, 64, 96)
    (line,) = heard(network, photo)
    assert "mean 0 and deviation 1" in line and "set_statistics" in line
    assert heard(network, scaled) == heard(network, (photo - 128) / 74) == []
    network.set_statistics([120, 118, 100], [50, 48, 40])
    assert heard(network, photo) == []
    (line,) = heard(network, scaled)
    assert "about 170" in line and "at most 1.5" in line
    # dark imagery has small values that are whole, and no valid pixel says nothing
    assert heard(network, torch.zeros(1, 3, 64, 96)) == heard(network, torch.randint(2, (1, 3, 64, 96)).float()) == []
    assert heard(network, scaled, torch.zeros(2, 1, 64, 96)) == []
    network.set_statistics([0.4, 0.4, 0.3], [0.2, 0.2, 0.2])
    assert heard(network, scaled) == []


def test_invalid_pixels_are_not_judged() -> None:
    network = build("fcn", encoder="resnet10t", classes=4).eval()
    images, valid = torch.randn(1, 3, 64, 96), torch.ones(1, 1, 64, 96)
    images[..., 50:], valid[..., 50:] = -9999, 0
    assert heard(network, images, valid) == [] and len(heard(network, images)) == 1
    images[..., 50:] = torch.nan
    assert heard(network, images, valid) == []


def test_nothing_is_judged_where_there_are_no_values() -> None:
    with torch.device("meta"):
        network = build("fcn", encoder="resnet10t", classes=4).eval()
        assert network(torch.ones(1, 3, 64, 96) * 255).shape == (1, 4, 64, 96)
        assert "unknown" in repr(network)
    network = build("fcn", encoder="resnet10t", classes=4).eval()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", StatisticsWarning)
        traced = torch.jit.trace(network, torch.rand(1, 3, 64, 96) * 255, check_trace=False)
        assert traced(torch.zeros(1, 3, 64, 96)).shape == (1, 4, 64, 96)


def test_a_warning_is_shown_once_for_each_place_in_a_program() -> None:
    code = (
        "import manet, torch; n = manet.build('fcn', encoder='resnet10t').eval()\n"
        "for _ in range(3): n(255 * torch.rand(1, 3, 32, 32))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.count("StatisticsWarning") == 1


def test_statistics_that_cannot_be() -> None:
    network = build("fcn", encoder="resnet10t")
    for mean, std, message in (
        ([0.0], [1.0], "1 means and 1 deviations; the network has 3 bands"),
        ([0.0] * 3, [1.0, 0.0, 1.0], "must be above 0"),
        ([0.0] * 3, [1.0, float("nan"), 1.0], "must be above 0"),
    ):
        with pytest.raises(NetworkError, match=message):
            network.set_statistics(mean, std)
    assert network.band_std.tolist() == [1, 1, 1]


def test_a_network_in_a_few_lines() -> None:
    network = manet.build("manet", encoder="resnet10t", bands=4, classes=5)
    network.set_statistics([120, 118, 100, 90], [50, 48, 40, 30])
    lines = repr(network).splitlines()
    assert len(lines) == 10 and lines[0] == "Network manet"
    for fact in ("resnet10t", "4, 8, 16, 32", "AttentionBlock", "120, 118, 100, 90", "50, 48, 40, 30"):
        assert any(fact in line for line in lines), fact
    assert (network.name, network.bands, network.classes) == ("manet", 4, 5)


def test_the_names_of_networks() -> None:
    assert list_networks() == list(NETWORKS) and {"manet", "fcn", "danet"} < set(list_networks())
    for name in list_networks():
        with torch.device("meta"):
            network = build(name, encoder="resnet10t", bands=5, classes=3)
        assert (network.name, network.bands, network.classes) == (name, 5, 3)
