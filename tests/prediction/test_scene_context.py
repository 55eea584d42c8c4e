"""Scene context: the same map as the whole scene in one pass, whatever the windows."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from builders import lively, textured, write_scene
from manet.errors import NetworkError, OptionError
from manet.networks import Network, build
from manet.prediction.halo import TOLERANCE, halo_errors, measure_halo
from manet.prediction.scene_context import SceneContext, cores
from manet.prediction.window_size import fitting_window, left_for_features, spare_memory
from manet.raster.scene import Scene
from manet.raster.windows import Window
from manet.runtime.pytorch import PyTorch

HEIGHT, WIDTH = 333, 410  # no multiples of the stride


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return lively(build("manet", encoder="resnet10t", classes=4), gate=0.8)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    torch.manual_seed(1)
    # not the same everywhere, as no scene is: else every window would have the scene's own summary
    contrast = np.linspace(0.2, 3, WIDTH, dtype=np.float32) * np.linspace(2, 0.3, HEIGHT, dtype=np.float32)[:, None]
    return textured(1, 3, HEIGHT, WIDTH)[0].numpy() * contrast


def whole(network: Network, image: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
    images = torch.from_numpy(image)[None]
    weight = None if valid is None else torch.from_numpy(valid.astype(np.float32))[None, None]
    with torch.inference_mode():
        return network(images, weight).softmax(1)[0].numpy()


def by_windows(network: Network, path: Path, window: int, halo: int, cache: int = 2**30) -> np.ndarray:
    with Scene(path) as scene:
        out = np.full((4, scene.height, scene.width), np.nan, np.float32)
        predictor = SceneContext(PyTorch(network), 4, window, halo, cache)
        for found in predictor.strips(scene, scene.window):
            assert np.isnan(out[:, *found.window.slices]).all()  # every pixel is decided once
            out[:, *found.window.slices] = found.probabilities
    return out


@pytest.mark.parametrize(
    ("window", "halo", "cache"),
    [(448, 160, 0), (448, 160, 30_000_000), (512, 160, 2**30), (1024, 32, 0)],
)
def test_windows_give_the_map_of_the_whole_scene(
    window: int, halo: int, cache: int, network: Network, image: np.ndarray, tmp_path: Path
) -> None:
    found = by_windows(network, write_scene(tmp_path / "scene.tif", image), window, halo, cache)
    np.testing.assert_allclose(found, whole(network, image), atol=1e-4)


def test_independent_windows_differ(network: Network, image: np.ndarray) -> None:
    alone = whole(network, image[:, :192, :192])
    assert np.abs(alone[:, :96, :96] - whole(network, image)[:, :96, :96]).max() > 0.01


def test_nodata_is_left_out_of_the_sums(network: Network, image: np.ndarray, tmp_path: Path) -> None:
    image = image.copy()
    image[:, 100:260, 150:] = np.nan
    valid = np.isfinite(image[0])
    found = by_windows(network, write_scene(tmp_path / "scene.tif", image), 448, 160)
    expected = whole(network, np.where(valid, image, 0), valid)
    np.testing.assert_allclose(found[:, valid], expected[:, valid], atol=1e-4)
    filled = whole(network, np.where(valid, image, 0))
    assert np.abs(filled - expected)[:, valid].max() > 0.01  # nodata as if it were imagery is another map


def test_a_halo_too_small_shows(network: Network, image: np.ndarray, tmp_path: Path) -> None:
    found = by_windows(network, write_scene(tmp_path / "scene.tif", image), 64, 0)
    assert np.abs(found - whole(network, image)).max() > 1e-3


def test_windows_that_leave_nothing() -> None:
    with pytest.raises(OptionError, match="at least 352"):
        cores(Window(0, 0, 100, 100), 320, 160, 32)
    with pytest.raises(OptionError, match="multiple of 32"):
        cores(Window(0, 0, 100, 100), 320, 100, 32)


@pytest.mark.parametrize("name", ["fcn-se", "fcn-cbam", "fcn-eam", "fcn-lam", "pspnet"])
def test_other_networks_by_windows(name: str, image: np.ndarray, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = lively(build(name, encoder="resnet10t", classes=4), gate=0.8)
    found = by_windows(network, write_scene(tmp_path / "scene.tif", image), 512, 160)
    np.testing.assert_allclose(found, whole(network, image), atol=1e-4)


def test_an_abandoned_scene_leaves_the_network_as_it_was(image: np.ndarray, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = lively(build("pspnet", encoder="resnet10t", classes=4), gate=0.8)
    images = torch.from_numpy(image[None, :, :128, :192].copy())
    with torch.no_grad():
        before = network(images)
    with Scene(write_scene(tmp_path / "scene.tif", image)) as scene:
        pieces = SceneContext(PyTorch(network), 4, 192, 64).strips(scene, scene.window)
        for _ in range(9):  # the first row of windows and one of the second
            next(pieces)
        del pieces
    with torch.no_grad():
        assert torch.equal(network(images), before)


def test_the_measured_halo_suffices(network: Network, image: np.ndarray) -> None:
    runtime, images = PyTorch(network), image[None, :, :320, :384].copy()
    errors = dict(halo_errors(runtime, images))
    halo, error = measure_halo(runtime, [images]) or (0, 0)
    assert error == errors[halo]
    assert errors[32] > 10 * errors[max(errors)]
    assert errors[halo] <= TOLERANCE or halo == max(errors)
    assert all(error > TOLERANCE for smaller, error in errors.items() if smaller < halo)


def test_the_largest_halo_of_several_images(network: Network, image: np.ndarray) -> None:
    runtime, images = PyTorch(network), image[None, :, :320, :384].copy()
    near, far = images[..., :288].copy(), images * np.float32(1e-3)
    one, other = measure_halo(runtime, [near]), measure_halo(runtime, [far])
    assert one is not None and other is not None and one != other
    assert measure_halo(runtime, [near, far]) == measure_halo(runtime, [far, near]) == max(one, other)
    for height, width in ((96, 96), (20, 160), (0, 0)):  # an area may be smaller than a stride
        assert measure_halo(runtime, [images[..., :height, :width].copy()]) is None


@pytest.mark.parametrize("name", ["manet", "fcn-cbam"])
def test_nothing_outside_the_theoretical_halo_is_seen(name: str) -> None:
    torch.manual_seed(0)
    network = lively(build(name, encoder="resnet10t", bands=2, classes=3), gate=0.8)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1)  # some begin with 0, which cuts off what blocks see
    halo = PyTorch(network).theoretical_halo()
    images = torch.randn(1, 2, 32, 3 * halo, dtype=torch.float64)
    exact = network.double()
    summaries = exact.summarise(exact.encode(images))

    def decided(images: torch.Tensor) -> torch.Tensor:
        return exact.decode(exact.refine(exact.encode(images), summaries))[..., halo : 2 * halo]

    expected = decided(images)
    changes = []
    for outside in (slice(0, 32), slice(3 * halo - 32, None)):  # the strides that the halo just holds
        other = images.clone()
        other[..., outside] += 1000
        changes.append((decided(other) - expected).abs().max().item())
    assert max(changes) > 0
    wider = torch.cat([torch.randn_like(images), images, torch.randn_like(images)], dim=3)
    found = exact.decode(exact.refine(exact.encode(wider), summaries))[..., 4 * halo : 5 * halo]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


def test_windows_are_as_large_as_memory_allows(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("manet.prediction.window_size.resident", lambda: 300_000_000)
    monkeypatch.setattr("manet.runtime.pytorch.available", lambda: 2**40)
    runtime = PyTorch(network)
    per_pixel = runtime.bytes_per_pixel()
    assert per_pixel is not None

    def window(memory: int, halo: int = 64) -> int:
        return fitting_window(per_pixel, halo, runtime.stride, spare_memory(runtime, memory))

    sizes = [window(memory) for memory in (0, 900_000_000, 1500_000_000, 2600_000_000, 2**40)]
    assert sizes[0] == 256 and sizes[-1] == 2048
    assert all(small < large for small, large in pairwise(sizes[1:]))
    assert window(0, halo=192) == 512
    spare = spare_memory(runtime, 2600_000_000)
    kept = left_for_features(per_pixel, sizes[3], spare)
    assert spare == pytest.approx(0.7 * 2300_000_000) and kept + sizes[3] ** 2 * per_pixel == pytest.approx(
        spare, rel=0.01
    )
    monkeypatch.setattr("manet.runtime.pytorch.available", lambda: 800_000_000)
    assert window(2**40) == sizes[1]  # half of what is free, however much is allowed


def test_networks_that_see_the_whole_image_by_themselves_are_refused() -> None:
    build("manet", encoder="resnet10t").check_local()
    build("manet", encoder="convnext_atto").check_local()
    with pytest.raises(NetworkError, match="compares every position with every other"):
        build("danet", encoder="resnet18").check_local()
    for encoder, module in (("efficientnet_b0", "SqueezeExcite"), ("convnextv2_atto", "GlobalResponseNorm")):
        with pytest.raises(NetworkError, match=module):
            build("manet", encoder=encoder).check_local()
