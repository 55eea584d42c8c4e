"""The network of the paper: its size, any height and width, valid pixels, parts of a scene, names."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from builders import lively, textured
from manet.attention import KernelAttention
from manet.errors import NetworkError
from manet.networks import Network, build


def test_parameters_of_the_paper() -> None:
    network = build("manet")
    assert sum(p.numel() for p in network.parameters()) == 35_860_622


@pytest.mark.parametrize(("bands", "height", "width"), [(3, 96, 160), (5, 37, 61), (1, 32, 33), (4, 1, 200)])
def test_any_bands_height_and_width(bands: int, height: int, width: int) -> None:
    network = build("manet", encoder="resnet10t", bands=bands, classes=5)
    logits = network(torch.randn(2, bands, height, width))
    assert logits.shape == (2, 5, height, width)
    logits.square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize("encoder", ["convnext_atto", "mobilenetv3_small_050", "regnetx_002", "efficientnet_lite0"])
def test_other_encoders(encoder: str) -> None:
    network = build("manet", encoder=encoder, classes=3).eval()
    with torch.no_grad():
        assert network(torch.randn(1, 3, 64, 96)).shape == (1, 3, 64, 96)


def test_padding_has_no_weight(small_manet: Network) -> None:
    """Whatever stands in invalid pixels, the valid ones' logits are the same."""
    images, valid = textured(1, 3, 96, 160), torch.ones(1, 1, 96, 160)
    valid[..., 100:] = 0
    changed = torch.where(valid > 0, images, 1e4)
    nan = torch.where(valid > 0, images, torch.nan)
    with torch.no_grad():
        expected = small_manet(images, valid)
        torch.testing.assert_close(small_manet(changed, valid), expected)
        torch.testing.assert_close(small_manet(nan, valid), expected)
        assert not torch.allclose(small_manet(images), expected, atol=1e-2)


def test_encode_merge_refine_decode_is_forward(small_manet: Network) -> None:
    images = textured(1, 3, 96, 160)
    with torch.no_grad():
        features = small_manet.encode(images)
        halves = [[f[..., : f.shape[3] // 5 * k] for f in features] for k in (2,)]
        rest = [f[..., f.shape[3] // 5 * 2 :] for f in features]
        merged = small_manet.merge(small_manet.summarise(halves[0]), small_manet.summarise(rest))
        logits = small_manet.decode(small_manet.refine(features, merged))
        torch.testing.assert_close(logits, small_manet(images), rtol=1e-4, atol=1e-4)
        alone = small_manet(images[..., :64])
        assert (alone - logits[..., :64]).abs().max() > 0.05  # independent windows differ


def test_statistics_standardise_the_imagery() -> None:
    network = lively(build("manet", encoder="resnet10t", classes=3))
    images = textured(1, 3, 64, 96)
    with torch.no_grad():
        expected = network(images)
        network.set_statistics([100.0, 50.0, 10.0], [20.0, 10.0, 5.0])
        raw = images * torch.tensor([20.0, 10.0, 5.0]).view(3, 1, 1) + torch.tensor([100.0, 50.0, 10.0]).view(3, 1, 1)
        torch.testing.assert_close(network(raw), expected, rtol=1e-3, atol=1e-3)


def test_unknown_names() -> None:
    with pytest.raises(NetworkError, match=r"no network 'manett'.*nearest: manet"):
        build("manett")
    with pytest.raises(NetworkError, match=r"no encoder 'resnet55'; did you mean"):
        build("manet", encoder="resnet55")
    with pytest.raises(NetworkError, match="strides"):
        build("manet", encoder="vit_tiny_patch16_224")
    with pytest.raises(NetworkError, match="no weights at"):
        build("manet", encoder="resnet10t", weights="nowhere.safetensors")


def test_local_weights_reach_the_encoder_and_are_adapted_to_the_bands(tmp_path: Path) -> None:
    import timm
    from safetensors.torch import save_file

    classifier = timm.create_model("resnet10t", pretrained=False)
    save_file(classifier.state_dict(), tmp_path / "weights.safetensors")
    three = build("manet", encoder="resnet10t", weights=str(tmp_path / "weights.safetensors"))
    for name, tensor in three.encoder.body.state_dict().items():
        torch.testing.assert_close(tensor, classifier.state_dict()[name])
    five = build("manet", encoder="resnet10t", bands=5, weights=str(tmp_path / "weights.safetensors"))
    torch.testing.assert_close(five.encoder.body.layer4[0].conv1.weight, classifier.layer4[0].conv1.weight)


def test_importing_manet_imports_no_torch() -> None:
    code = "import sys, manet; manet.__version__; assert 'torch' not in sys.modules and 'rasterio' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["manet", "danet"])
def test_recomputing_gives_equal_gradients(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = list[int]()
    summarise = KernelAttention.summarise

    def counted(self: KernelAttention, features: torch.Tensor, *more: object) -> object:
        calls.append(features.shape[1])
        return summarise(self, features, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(KernelAttention, "summarise", counted)
    images, valid = textured(2, 3, 64, 96), torch.ones(2, 1, 64, 96)
    valid[..., 40:, :] = 0
    found = []
    for recompute in (False, True):
        torch.manual_seed(0)
        network = lively(build(name, encoder="resnet10t", classes=4)).train()
        network.recompute = recompute
        calls.clear()
        torch.manual_seed(1)
        network(images, valid).square().mean().backward()
        found.append([p.grad for p in network.parameters() if p.grad is not None] + list(network.buffers()))
        if name == "manet":
            assert len(calls) == (6 if recompute else 4)
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b)
