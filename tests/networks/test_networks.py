"""All fifteen networks: any size, auxiliary outputs, losses, parts of a scene, one patch learned by heart."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from builders import lively, textured
from manet.attention import Place
from manet.datasets.sources.town import draw
from manet.errors import NetworkError
from manet.legend import IGNORED, ISPRS
from manet.networks import NETWORKS, Network, build
from manet.recipe import Recipe
from manet.training.losses import LOSSES, cross_entropy, edge_dice, hard_cross_entropy
from manet.training.module import Segmentation

NAMES = (
    *("fcn", "fcn-attention1", "fcn-attention2", "fcn-attention3", "fcn-attention4"),
    *("fcn-se", "fcn-cbam", "fcn-eam", "fcn-fam", "fcn-lam"),
    *("danet", "pspnet", "deeplabv3plus", "eanet", "manet"),
    *("fcn-plus", "manet-plus"),
)

AUXILIARY_WEIGHTS = {"danet": [1, 1], "pspnet": [0.4]}


def training_loss(network: Network, images: Tensor, labels: Tensor, valid: Tensor | None = None) -> Tensor:
    outputs = network.training_logits(images, valid)
    return torch.stack([weight * LOSSES[network.loss](logits, labels) for logits, weight in outputs]).sum()


def test_the_table_holds_the_papers_networks_and_ours() -> None:
    assert tuple(NETWORKS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_forward_and_backward_at_any_size(name: str) -> None:
    for bands, height, width in ((3, 96, 160), (5, 37, 61)):
        network = build(name, encoder="resnet10t", bands=bands, classes=4)
        images, labels = torch.randn(1, bands, height, width), torch.randint(4, (1, height, width))
        outputs = network.training_logits(images)
        assert [logits.shape for logits, _ in outputs] == [(1, 4, height, width)] * len(outputs)
        assert [weight for _, weight in outputs] == [1, *AUXILIARY_WEIGHTS.get(name, [])]
        training_loss(network, images, labels).backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
        with torch.no_grad():
            logits = network.eval()(images)
            torch.testing.assert_close(logits, network.training_logits(images)[0][0])
        assert network.bounded == (name != "danet")


@pytest.mark.parametrize("name", NAMES)
def test_parts_of_a_scene_merge(name: str) -> None:
    """The summaries of two parts together, given to the whole's features, make the whole's logits."""
    network = lively(build(name, encoder="resnet10t", classes=4)).double()
    images, valid = textured(1, 3, 96, 160).double(), torch.ones(1, 1, 96, 160, dtype=torch.float64)
    valid[..., 70:, 100:] = 0
    with torch.no_grad():
        features = network.encode(images, valid)
        parts = []
        for first, last in ((0, 64), (64, 160)):
            strides = network.encoder.strides
            part = [f[..., first // s : last // s] for f, s in zip(features, strides, strict=True)]
            parts.append(network.summarise(part, valid[..., first:last], Place(0, first, 96, 160)))
        expected = network(images, valid)
        logits = network.decode(network.refine(features, network.merge(*parts)))
        torch.testing.assert_close(logits, expected, rtol=1e-10, atol=1e-10)
        if name not in ("fcn", "fcn-plus"):  # which sees nothing of the map but the view of its convolutions
            alone, together = network.refine(features, parts[1]), network.refine(features, network.merge(*parts))
            assert max((a - b).abs().max() for a, b in zip(alone, together, strict=True)) > 1e-3
            # an untrained decoder gives little weight to it, yet far more than the tolerance above
            assert (network.decode(alone) - expected).abs().max() > 1e-7


@pytest.mark.parametrize("name", ["fcn", "fcn-se", "danet", "pspnet", "deeplabv3plus", "eanet"])
def test_batch_norm_over_a_single_value_is_a_clear_error(name: str) -> None:
    network = build(name, encoder="resnet10t", classes=3)
    size = network.stride
    with pytest.raises(NetworkError, match=f"one image of {size} x {size} pixels.*larger patches"):
        network(torch.randn(1, 3, size, size - 1))
    assert network(torch.randn(1, 3, size, size + 1)).shape == (1, 3, size, size + 1)
    assert network(torch.randn(2, 3, size, size)).shape == (2, 3, size, size)
    assert network.eval()(torch.randn(1, 3, 1, 1)).shape == (1, 3, 1, 1)


def test_a_name_that_is_not_in_the_table() -> None:
    with pytest.raises(
        NetworkError, match="no network 'deeplabv3'; there are fcn, .*, manet-plus .nearest: deeplabv3plus"
    ):
        build("deeplabv3")
    with pytest.raises(NetworkError, match="nearest: fcn-attention"):
        build("fcn-atention5")


def test_encoders_that_cannot_be_dilated() -> None:
    for name, stride in (("danet", 8), ("pspnet", 8), ("deeplabv3plus", 16), ("eanet", 16)):
        message = f"'swin_tiny_patch4_window7_224' cannot be dilated .* stride {stride}.* such as resnet18, resnet50"
        with pytest.raises(NetworkError, match=message):
            build(name, encoder="swin_tiny_patch4_window7_224")


@pytest.mark.parametrize("encoder", ["mobilenetv3_small_050", "convnext_atto"])
@pytest.mark.parametrize("name", ["danet", "deeplabv3plus"])
def test_other_encoders_can_be_dilated(name: str, encoder: str) -> None:
    network = build(name, encoder=encoder, classes=3).eval()
    features = network.encoder(torch.randn(1, 3, 64, 96))
    assert [64 // f.shape[2] for f in features] == list(network.encoder.strides)
    assert max(network.encoder.strides) == {"danet": 8, "deeplabv3plus": 16}[name]
    with torch.no_grad():
        assert network(torch.randn(1, 3, 64, 96)).shape == (1, 3, 64, 96)


def test_local_weights_reach_a_dilated_encoder(tmp_path: Path) -> None:
    import timm
    from safetensors.torch import save_file

    classifier = timm.create_model("resnet10t", pretrained=False)
    save_file(classifier.state_dict(), tmp_path / "weights.safetensors")
    network = build("pspnet", encoder="resnet10t", weights=str(tmp_path / "weights.safetensors"))
    for name, tensor in network.encoder.body.state_dict().items():
        torch.testing.assert_close(tensor, classifier.state_dict()[name])


def checked_labels() -> Tensor:
    labels = torch.zeros(1, 8, 12, dtype=torch.long)
    labels[..., 6:] = 1
    labels[:, 5:, 6:] = 2
    return labels


def logits_for(labels: Tensor, sure: float) -> Tensor:
    return torch.nn.functional.one_hot(labels.clamp(max=2), 3).permute(0, 3, 1, 2).float() * sure


def test_edges_are_where_classes_meet() -> None:
    labels = checked_labels()
    right, flat = logits_for(labels, 20), torch.zeros(1, 3, 8, 12)
    edges = torch.zeros(1, 8, 12)
    edges[..., 5:7] = 1
    edges[:, 4:6, 5:] = 1
    # every right edge is almost 1 strong: l / (l + 1) with l at least 2 * 1, at a corner's outside
    assert edge_dice(right, labels) < 0.05
    # no predicted edge at all: 1 - 1 / (edges + 1)
    torch.testing.assert_close(edge_dice(flat, labels), 1 - 1 / (edges.sum() + 1))
    # an ignored pixel takes its 3 x 3 out
    labels[:, 2, 5] = IGNORED
    edges[:, 1:4, 4:7] = 0
    torch.testing.assert_close(edge_dice(flat, labels), 1 - 1 / (edges.sum() + 1))
    assert edge_dice(flat, torch.full_like(labels, IGNORED)) == 0


def test_easy_pixels_do_not_count_beside_hard_ones() -> None:
    labels = checked_labels()
    logits = logits_for(labels, 5).requires_grad_()
    # all easy: the hardest sixteenth stands in
    assert hard_cross_entropy(logits, labels).item() == pytest.approx(cross_entropy(logits, labels).item(), rel=1e-4)
    wrong = logits.detach().clone()
    wrong[:, :, :2] = 0  # 24 of the 96 pixels are undecided
    assert hard_cross_entropy(wrong, labels) == pytest.approx(float(np.log(3)), rel=1e-4)
    labels[:, :2] = IGNORED
    assert hard_cross_entropy(wrong, labels) < 0.1
    nothing = hard_cross_entropy(logits, torch.full_like(labels, IGNORED))
    nothing.backward()
    assert nothing == 0
    assert logits.grad is not None and not logits.grad.any()


def test_the_edge_aware_loss_falls_with_better_edges() -> None:
    labels = checked_labels()
    logits = logits_for(labels, 1).requires_grad_()
    losses = [LOSSES["edge-aware"](logits * scale, labels) for scale in (0, 1, 4)]
    assert losses[0] > losses[1] > losses[2] > 0
    (gradient,) = torch.autograd.grad(losses[1], logits)
    assert gradient.isfinite().all() and gradient.any()


@pytest.mark.parametrize("name", ["danet", "pspnet", "eanet"])
def test_the_training_step_takes_every_output_and_the_networks_own_loss(name: str) -> None:
    network = build(name, encoder="resnet10t", classes=len(ISPRS)).eval()  # no dropout: the same logits twice
    step = Segmentation(network, Recipe(), ISPRS, steps=1)
    step.log = lambda *arguments, **options: None  # type: ignore[method-assign]
    images, labels, valid = torch.randn(2, 3, 64, 96), torch.randint(6, (2, 64, 96)), torch.ones(2, 1, 64, 96)
    valid[..., 70:], labels[..., 70:] = 0, IGNORED
    loss = step.training_step({"image": images, "labels": labels, "valid": valid, "name": ["a", "b"]}, 0)
    torch.testing.assert_close(loss, training_loss(network, images, labels, valid))
    alone = LOSSES["cross-entropy"](network(images, valid), labels)
    assert abs(loss - alone) > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_learns_one_patch_by_heart(name: str) -> None:
    """99 % of the pixels right in evaluation mode, on a patch of three classes, none above half of the pixels."""
    town = draw(96, 96, seed=14, gsd_m=0.05)
    images, labels = (
        torch.from_numpy(part.astype(t))[None] for part, t in ((town.image[:3], "f4"), (town.labels, "i8"))
    )
    shares = labels.flatten().bincount() / labels.numel()
    assert (shares > 0.1).sum() >= 3 and shares.max() <= 0.5
    network = build(name, encoder="resnet10t", classes=6)
    network.set_statistics(images.mean((0, 2, 3)).tolist(), images.std((0, 2, 3)).tolist())
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    accuracy = 0.0
    for step in range(1, 401):
        optimiser.zero_grad()
        training_loss(network.train(), images, labels).backward()
        optimiser.step()
        if step % 25 == 0:
            with torch.no_grad():
                accuracy = (network.eval()(images).argmax(dim=1) == labels).float().mean().item()
            if accuracy >= 0.99:
                break
    assert accuracy >= 0.99, f"{accuracy:.4f}"
