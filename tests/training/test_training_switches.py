"""What a recipe can switch on in training: each does what it says, and a run with all of them resumes to the bit."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from safetensors.torch import load_file
from torch import Tensor

import manet
from builders import Recorded, train
from manet.datasets.manifest import Manifest
from manet.datasets.patches import Patches
from manet.errors import NetworkError
from manet.recipe import AugmentationSettings, LossSettings, OptimiserSettings, Recipe
from manet.run_folder import read_log
from manet.training.losses import training_loss
from manet.training.optimiser import make_optimiser

Town = tuple[Path, Manifest]

EVERYTHING: dict[str, Any] = {
    "network": {"encoder": "resnet10t", "drop_path": 0.2},
    "patches": {"size": 64, "batch": 4, "accumulate": 2, "sampling": "class-aware"},
    "augmentation": {"rotation": "any", "resize": (0.5, 1.5), "largest_share": 0.75, "mosaic": 0.25, "brightness": 0.1},
    "loss": {"class_weights": "balanced", "label_smoothing": 0.05, "dice": 1.0, "lovasz": 0.5},
    "optimiser": {
        "name": "adamw",
        "rate": 2e-3,
        "weight_decay": 0.01,
        "encoder_rate": 0.5,
        "gate_rate": 10,
        "schedule": "cosine",
        "warmup": 0.1,
    },
    "training": {"epochs": 3, "ema": 0.9},
}


class Weights(Callback):
    """Keeps the network's weights after every step, and what was validated in every epoch."""

    def __init__(self, stop: int | None = None) -> None:
        self.steps: list[dict[str, Tensor]] = []
        self.validated: list[dict[str, Tensor]] = []
        self.stop = stop

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if trainer.global_step > len(self.steps):
            self.steps.append(copied(pl_module.network))
        if trainer.global_step == self.stop:
            raise RuntimeError("stopped")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.validated.append(copied(pl_module.kept))


def copied(network: Any) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items() if tensor.is_floating_point()}


@pytest.fixture(scope="module")
def whole(town: Town, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Weights]:
    """A run with everything switched on, that nothing interrupts."""
    out, weights = tmp_path_factory.mktemp("whole") / "run", Weights()
    train(town[0], Recipe.model_validate(EVERYTHING), out, device="cpu", callbacks=[weights])
    return out, weights


def test_what_is_validated_and_kept_is_the_average_of_the_weights(whole: tuple[Path, Weights]) -> None:
    out, weights = whole
    assert len(weights.steps) == 9 and len(weights.validated) == 3
    average = {name: tensor.double() for name, tensor in weights.steps[0].items()}
    for n, step in enumerate(weights.steps[1:], start=1):
        decay = min(0.9, (1 + n) / (10 + n))
        average = {name: decay * tensor + (1 - decay) * step[name] for name, tensor in average.items()}
        if (n + 1) % 3 == 0:
            for name, tensor in weights.validated[n // 3].items():
                torch.testing.assert_close(tensor.double(), average[name], rtol=1e-4, atol=1e-6, msg=name)
    best = manet.load(out / "best.safetensors")
    kept, last = weights.validated[best.card.scores["epoch"]], weights.steps[-1]
    assert all(torch.equal(tensor, kept[name]) for name, tensor in copied(best.network).items())
    # batch norm's statistics are averaged as well, and nothing is what training stands at
    names = ("encoder.body.bn1.running_mean", "encoder.body.layer1.0.conv1.weight", "refiners.0.kernel.gate")
    assert not any(torch.equal(weights.validated[-1][name], last[name]) for name in names)


@pytest.mark.parametrize("stop", [2, 3, 7])
def test_a_run_with_everything_resumes_to_the_same_weights_and_averages(
    stop: int, town: Town, whole: tuple[Path, Weights], tmp_path: Path
) -> None:
    out, recipe = tmp_path / "run", Recipe.model_validate(EVERYTHING)
    with pytest.raises(RuntimeError, match="stopped"):
        train(town[0], recipe, out, device="cpu", save_every_s=0, callbacks=[Weights(stop)])
    train(town[0], recipe, out, device="cpu", resume=True)
    found, expected = (torch.load(f / "last.ckpt", weights_only=True)["state_dict"] for f in (out, whole[0]))
    assert any(name.startswith("average.") for name in expected)
    assert found.keys() == expected.keys()
    for name, tensor in found.items():
        assert torch.equal(tensor, expected[name]), name
    assert (out / "best.safetensors").read_bytes() == (whole[0] / "best.safetensors").read_bytes()


def test_rates_and_decay_by_kind_of_parameter() -> None:
    network = manet.build("manet", encoder="resnet10t")
    settings = OptimiserSettings(name="adamw", rate=1e-3, encoder_rate=0.1, gate_rate=10, weight_decay=0.1)
    optimiser = make_optimiser(network, settings)
    found = {id(p): (g["lr"], g["weight_decay"]) for g in optimiser.param_groups for p in g["params"]}
    assert len(found) == len(list(network.parameters())) == sum(len(g["params"]) for g in optimiser.param_groups)
    for name, p in network.named_parameters():
        rate, decay = found[id(p)]
        share = 10 if name.endswith("gate") else 0.1 if name.startswith("encoder.") else 1
        assert rate == pytest.approx(1e-3 * share), name
        assert decay == (0.1 if name.endswith("weight") and p.ndim > 1 else 0), name
    assert optimiser.param_groups[0]["lr"] == 1e-3, "the log's rate is the recipe's"
    assert len(make_optimiser(network, OptimiserSettings()).param_groups) == 1


def test_stochastic_depth_is_of_training_alone() -> None:
    network = manet.build("manet", encoder="resnet10t", drop_path=0.9)
    for module in network.encoder.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # timm begins with residual branches that add nothing
            torch.nn.init.ones_(module.weight)
    images = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        deep = [network.encode(images)[-1] for _ in range(4)]
        assert any(not torch.equal(deep[0], other) for other in deep[1:])
        network.eval()
        torch.testing.assert_close(network(images), network(images), rtol=0, atol=0)
    with pytest.raises(NetworkError, match="'vgg11' has no stochastic depth"):
        manet.build("fcn", encoder="vgg11", drop_path=0.1)


ALL_PARTS = LossSettings(label_smoothing=0.05, dice=1.0, lovasz=0.5, class_weights="balanced")


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("manet", LossSettings(label_smoothing=0.1)),
        ("manet", LossSettings(dice=1.0)),
        ("manet", LossSettings(lovasz=1.0)),
        ("manet", ALL_PARTS),
        ("eanet", ALL_PARTS),
    ],
    ids=["smoothing", "dice", "lovasz", "all", "eanet"],
)
def test_every_loss_goes_down(name: str, settings: LossSettings, town: Town) -> None:
    patches = Patches(*town, "train", 64, AugmentationSettings())
    batch = [patches[0, index] for index in (0, 10)]
    images, labels = (torch.stack([patch[part] for patch in batch]) for part in ("image", "labels"))
    network = manet.build(name, encoder="resnet10t")
    network.set_statistics(town[1].statistics.mean, town[1].statistics.std)
    optimiser = make_optimiser(network, OptimiserSettings(name="adamw", rate=3e-3, gate_rate=10))
    losses = []
    for _ in range(10):
        optimiser.zero_grad()
        loss = training_loss(network.loss, network.training_logits(images), labels, settings)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.75 * losses[0], losses


SWITCHES: dict[str, dict[str, Any]] = {
    "none": {},
    "label_smoothing": {"loss": {"label_smoothing": 0.1}},
    "dice": {"loss": {"dice": 1.0}},
    "lovasz": {"loss": {"lovasz": 1.0}},
    "class-aware": {"patches": {"size": 64, "batch": 8, "sampling": "class-aware"}},
    "largest_share": {"augmentation": {"largest_share": 0.6}},
    "mosaic": {"augmentation": {"mosaic": 0.5}},
    "any angle": {"augmentation": {"rotation": "any"}},
    "multi-scale": {"augmentation": {"resize": (0.5, 1.5)}},
    "drop_path": {"network": {"encoder": "resnet10t", "drop_path": 0.2}},
    "encoder_rate": {"optimiser": {"rate": 2e-3, "encoder_rate": 0.1}},
    "adamw": {"optimiser": {"name": "adamw", "rate": 2e-3, "weight_decay": 0.05}},
    "cosine": {"optimiser": {"rate": 2e-3, "schedule": "cosine", "warmup": 0.1}},
    "ema": {"training": {"epochs": 20, "ema": 0.99}},
}


@pytest.mark.slow
@pytest.mark.parametrize("switch", SWITCHES)
def test_every_switch_alone_trains(switch: str, town: Town, tmp_path: Path) -> None:
    """60 steps on the town: the loss falls by a third, and the map is better than the best that looks at nothing."""
    settings: dict[str, Any] = {
        "network": {"encoder": "resnet10t"},
        "patches": {"size": 64, "batch": 8},
        "optimiser": {"rate": 2e-3},
        "training": {"epochs": 20},
    }
    outcome = train(town[0], Recipe.model_validate(settings | SWITCHES[switch]), tmp_path / "run", device="cpu")
    rows = read_log(tmp_path / "run/log.csv")
    first, last = float(rows[0]["train/loss"]), float(rows[-1]["train/loss"])
    print(f"\n{switch}: loss {first:.3f} to {last:.3f}, mean IoU {outcome.card.scores['mean_iou']:.3f}")
    assert int(rows[-1]["step"]) == 60
    assert last < 0.67 * first
    pixels = town[1].pixels["validation"]
    assert outcome.card.scores["mean_iou"] > max(pixels[:5]) / sum(pixels) / 5


def test_a_run_that_has_ended_is_not_resumed(town: Town, tmp_path: Path) -> None:
    """Neither after its last epoch nor when early stopping ended it, by a rate that changes nothing."""
    for name, epochs, patience in (("whole", 1, None), ("early", 9, 1)):
        out = tmp_path / name
        recipe = Recipe.model_validate(
            {
                "network": {"encoder": "resnet10t"},
                "patches": {"size": 64, "batch": 8},
                "optimiser": {"rate": 1e-12},
                "training": {"epochs": epochs, "patience": patience},
            }
        )
        first = train(town[0], recipe, out, device="cpu")
        rows, written = read_log(out / "log.csv"), (out / "last.ckpt").stat().st_mtime_ns
        assert len(rows) < 9
        told = Recorded()
        again = train(town[0], recipe, out, device="cpu", resume=True, progress=told)
        assert (again.card, again.path) == (first.card, first.path)
        assert told.lines == [f"{out} is finished: there is nothing to resume"]
        assert read_log(out / "log.csv") == rows and (out / "last.ckpt").stat().st_mtime_ns == written


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_what_a_run_leaves_can_be_read_by_whom_the_umask_lets(whole: tuple[Path, Weights]) -> None:
    mask = os.umask(0o22)
    os.umask(mask)
    modes = {path.name: path.stat().st_mode & 0o777 for path in whole[0].iterdir()}
    assert modes.keys() == {"best.safetensors", "last.ckpt", "log.csv", "recipe.json"}
    assert set(modes.values()) == {0o666 & ~mask}
    assert load_file(whole[0] / "best.safetensors")
