"""The authors' module, rebuilt here under their names from the paper's description, against its conversion."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn
from torch.nn.functional import relu, softmax, softplus

import manet
from manet.errors import CheckpointError
from manet.legend import ISPRS
from manet.networks.checkpoint import write_checkpoint
from manet.paper.authors import convert


class PAM(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query_conv = nn.Conv2d(channels, channels // 8, 1)
        self.key_conv = nn.Conv2d(channels, channels // 8, 1)
        self.value_conv = nn.Conv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.full((1,), 0.6))

    def forward(self, x: Tensor) -> Tensor:
        query, key = softplus(self.query_conv(x)).flatten(2), softplus(self.key_conv(x)).flatten(2)
        value = self.value_conv(x).flatten(2)
        numerator = torch.einsum("bkn,bkc->bcn", query, torch.einsum("bkm,bcm->bkc", key, value))
        denominator = torch.einsum("bkn,bk->bn", query, key.sum(2) + 1e-6)
        return x + self.gamma * (numerator / denominator.unsqueeze(1)).view_as(x)


class CAM(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((1,), 0.8))

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(2)
        energy = flat @ flat.transpose(1, 2)
        attention = softmax(energy.max(2, keepdim=True).values - energy, dim=2)
        return x + self.gamma * (attention @ flat).view_as(x)


class PAMCAM(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.PAM, self.CAM = PAM(channels), CAM()

    def forward(self, x: Tensor) -> Tensor:
        return self.PAM(x) + self.CAM(x)


class DecoderBlock(nn.Module):
    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        middle = channels // 4
        self.conv1, self.norm1 = nn.Conv2d(channels, middle, 1), nn.BatchNorm2d(middle)
        self.deconv2 = nn.ConvTranspose2d(middle, middle, 3, stride=2, padding=1, output_padding=1)
        self.norm2 = nn.BatchNorm2d(middle)
        self.conv3, self.norm3 = nn.Conv2d(middle, out, 1), nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        x = relu(self.norm1(self.conv1(x)))
        x = relu(self.norm2(self.deconv2(x)))
        return relu(self.norm3(self.conv3(x)))


class Released(nn.Module):
    """Names as in the authors' release."""

    def __init__(self, encoder: str, classes: int) -> None:
        super().__init__()
        self.add_encoder(encoder)
        channels = [64, 128, 256, 512] if encoder == "resnet18" else [256, 512, 1024, 2048]
        for level in range(1, 5):
            setattr(self, f"attention{level}", PAMCAM(channels[level - 1]))
            out = channels[max(level - 2, 0)]
            setattr(self, f"decoder{level}", DecoderBlock(channels[level - 1], out))
        self.finaldeconv1 = nn.ConvTranspose2d(channels[0], 32, 4, stride=2, padding=1)
        self.finalconv2, self.finalconv3 = nn.Conv2d(32, 32, 3, padding=1), nn.Conv2d(32, classes, 3, padding=1)

    def add_encoder(self, encoder: str) -> None:
        resnet = getattr(torchvision.models, encoder)(weights=None)
        self.firstconv, self.firstbn, self.firstmaxpool = resnet.conv1, resnet.bn1, resnet.maxpool
        for level in range(1, 5):
            setattr(self, f"encoder{level}", getattr(resnet, f"layer{level}"))

    def encode(self, x: Tensor) -> list[Tensor]:
        features = [self.firstmaxpool(relu(self.firstbn(self.firstconv(x))))]
        for level in range(1, 5):
            features.append(getattr(self, f"encoder{level}")(features[-1]))
        return features[1:]

    def forward(self, x: Tensor) -> Tensor:
        refined = [getattr(self, f"attention{level}")(e) for level, e in enumerate(self.encode(x), 1)]
        d = self.decoder4(refined[3]) + refined[2]
        d = self.decoder3(d) + refined[1]
        d = self.decoder2(d) + refined[0]
        return self.finalconv3(relu(self.finalconv2(relu(self.finaldeconv1(self.decoder1(d))))))


class InGeoSeg(Released):
    """Names as in GeoSeg, whose encoder is timm's."""

    def add_encoder(self, encoder: str) -> None:
        self.backbone = timm.create_model(encoder, features_only=True, out_indices=(1, 2, 3, 4), pretrained=False)

    def encode(self, x: Tensor) -> list[Tensor]:
        return self.backbone(x)


def calibrated(encoder: str, classes: int, kind: type[Released] = Released) -> Released:
    module = kind(encoder, classes)
    with torch.no_grad():
        for _ in range(3):
            module(torch.randn(2, 3, 64, 96))
    return module.eval()


@pytest.mark.parametrize(("encoder", "classes", "prefix"), [("resnet50", 6, ""), ("resnet18", 4, "module.")])
def test_logits_equal_the_released_module_s(encoder: str, classes: int, prefix: str, tmp_path: Path) -> None:
    theirs = calibrated(encoder, classes)
    path, out = tmp_path / "theirs.pth", tmp_path / "ours.safetensors"
    torch.save({prefix + name: tensor for name, tensor in theirs.state_dict().items()}, path)
    legend = ISPRS if classes == len(ISPRS) else None
    network, card = convert(path, legend, mean=(120.0,), std=(50.0,))
    write_checkpoint(out, network, card)
    ours = manet.load(out)
    images = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        expected = theirs(images)
        torch.testing.assert_close(ours.network(images * 50 + 120), expected, rtol=1e-5, atol=1e-5)
        assert expected.std() > 1e-2
    assert ours.card.recipe.network.encoder == encoder
    assert len(ours.legend) == classes


@pytest.mark.parametrize("prefix", ["", "net."])
def test_logits_equal_those_of_geoseg_s_copy(prefix: str, tmp_path: Path) -> None:
    theirs = calibrated("resnet18", 5, InGeoSeg)
    path, out = tmp_path / "last.ckpt", tmp_path / "ours.safetensors"
    state = {prefix + name: tensor for name, tensor in theirs.state_dict().items()}
    assert f"{prefix}backbone.layer1.0.conv1.weight" in state
    if prefix:  # as Lightning keeps it, with the weights of a loss
        state = {"state_dict": state | {"loss.aux.weight": torch.zeros(1)}, "epoch": 3, "global_step": 99}
    torch.save(state, path)
    network, card = convert(path, None, mean=(120.0,), std=(50.0,))
    write_checkpoint(out, network, card)
    images = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        expected = theirs(images)
        torch.testing.assert_close(
            manet.load(out).network(images * 50 + 120), expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max())
        )
        assert expected.std() > 1e-2


class Settings:
    """What a program keeps beside its weights: unpickling it would import the program."""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            lambda path: torch.save({"state_dict": {}, "hyper_parameters": Settings()}, path),
            "Python objects .*Settings",
        ),
        (lambda path: torch.save(nn.Linear(2, 2), path), "Python objects .*Linear"),
        (lambda path: torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)), path), "TorchScript"),
        (lambda path: path.write_bytes(b""), "damaged"),
        (lambda path: path.write_bytes(b"hello\n" * 9), "damaged"),
        (lambda path: zipfile.ZipFile(path, "w").writestr("a.txt", "x"), "zip archive"),
        (lambda path: torch.save([torch.zeros(1)], path), "no state dict"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*torch.jit.*:FutureWarning")
def test_what_is_no_state_dict_is_named_and_never_run(
    content: Callable[[Path], object], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.pth"
    content(path)
    with pytest.raises(CheckpointError, match=said) as caught:
        convert(path, None, (0.0,), (1.0,))
    assert "weights_only" not in str(caught.value)  # PyTorch's advice is to run what is in the file
    assert "\n" not in str(caught.value)


def test_what_is_not_their_state_dict(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    with pytest.raises(CheckpointError, match="no weights at"):
        convert(path, None, (0.0,), (1.0,))
    path.write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match="cannot be read as plain weights"):
        convert(path, None, (0.0,), (1.0,))
    torch.save({"conv.weight": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match=r"no attention1\.PAM\.gamma"):
        convert(path, None, (0.0,), (1.0,))
    state = calibrated("resnet18", 4).state_dict()
    torch.save(state, path)
    with pytest.raises(CheckpointError, match="has 4 classes, the legend 6"):
        convert(path, ISPRS, (0.0,), (1.0,))
    with pytest.raises(CheckpointError, match="3 bands; got 2 means"):
        convert(path, None, (0.0, 1.0), (1.0,))
    del state["decoder1.conv3.bias"]
    torch.save(state, path)
    with pytest.raises(CheckpointError, match="does not fit MANet with resnet18"):
        convert(path, None, (0.0,), (1.0,))
