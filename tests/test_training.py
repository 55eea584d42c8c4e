"""Training: it learns, resumes to the same weights, refuses what it must, and stops with the culprit's name."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

import manet
from manet.checkpoint import read_card
from manet.datasets.manifest import Manifest
from manet.errors import CheckpointError, OutputError, RecipeError, TrainingError
from manet.recipe import OptimiserSettings, Recipe, read_recipe, shipped_recipes
from manet.training.module import make_optimiser, rate_factor
from manet.training.run import train

Town = tuple[Path, Manifest]


class StopAfter(Callback):
    """Interrupts a run at the end of an epoch, before the next begins."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.current_epoch > self.epoch:
            raise RuntimeError("stopped")


class Losses(Callback):
    def __init__(self) -> None:
        self.losses: list[float] = []

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *_: Any) -> None:
        self.losses.append(float(outputs["loss"]))


def weights(path: Path) -> dict[str, torch.Tensor]:
    return manet.load(path).state_dict()


def test_a_run_learns_and_leaves_a_checkpoint_with_its_card(town: Town, tiny_recipe: Recipe, tmp_path: Path) -> None:
    losses = Losses()
    outcome = train(town[0], tiny_recipe, tmp_path / "run", device="cpu", callbacks=[losses])
    assert sum(losses.losses[-3:]) < 0.9 * sum(losses.losses[:3])
    network = manet.load(outcome.checkpoint)
    assert not network.training
    assert network.legend == town[1].legend
    assert network.band_mean.tolist() == pytest.approx(town[1].statistics.mean)
    assert network.card == outcome.card
    assert network.card.training_size == 64
    assert network.card.recipe == tiny_recipe
    assert 0 < network.card.scores["mean_iou"] < 1
    log = (tmp_path / "run/log/metrics.csv").read_text()
    assert "validation/mean_iou" in log and "train/loss" in log
    with pytest.raises(OutputError, match="--resume"):
        train(town[0], tiny_recipe, tmp_path / "run", device="cpu")


def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(
    town: Town, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    whole = train(town[0], tiny_recipe, tmp_path / "whole", device="cpu")
    with pytest.raises(RuntimeError, match="stopped"):
        train(town[0], tiny_recipe, tmp_path / "parts", device="cpu", callbacks=[StopAfter(0)])
    parts = train(town[0], tiny_recipe, tmp_path / "parts", resume=True, device="cpu")
    assert parts.card == whole.card
    expected = weights(whole.checkpoint)
    for name, tensor in weights(parts.checkpoint).items():
        assert torch.equal(tensor, expected[name]), name


def test_what_training_refuses(town: Town, tiny_recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="test split"):
        train(town[0], tiny_recipe, tmp_path / "run", choose_on="test")
    with pytest.raises(TrainingError, match=r"nothing to resume|no last.ckpt"):
        train(town[0], tiny_recipe, tmp_path / "run", resume=True)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_not_finite_stops_the_run(town: Town, tiny_recipe: Recipe, tmp_path: Path) -> None:
    wild = tiny_recipe.model_copy(update={"optimiser": OptimiserSettings(rate=1e30)})
    with pytest.raises(TrainingError, match=r"loss is (nan|inf) at step \d+, in the patches town rows \d+"):
        train(town[0], wild, tmp_path / "run", device="cpu")


def test_gates_have_their_own_rate_and_no_decay() -> None:
    network = manet.build("manet", encoder="resnet10t")
    settings = OptimiserSettings(name="adamw", rate=1e-3, gate_rate=10, weight_decay=0.1)
    rest, gates = make_optimiser(network, settings).param_groups
    assert len(gates["params"]) == 8
    assert (gates["lr"], gates["weight_decay"]) == (pytest.approx(1e-2), 0.0)
    assert (rest["lr"], rest["weight_decay"]) == (1e-3, 0.1)
    total = sum(p.numel() for group in (rest, gates) for p in group["params"])
    assert total == sum(p.numel() for p in network.parameters())


def test_the_learning_rate_rises_and_falls() -> None:
    cosine = OptimiserSettings(schedule="cosine", warmup=0.2)
    factors = [rate_factor(cosine, step, 100) for step in range(101)]
    assert factors[0] == pytest.approx(0.05) and max(factors) == factors[20] == 1.0
    assert factors[60] == pytest.approx(0.5) and factors[100] == pytest.approx(0, abs=1e-9)
    assert {rate_factor(OptimiserSettings(), step, 100) for step in range(100)} == {1.0}


def test_recipes(tmp_path: Path) -> None:
    paper = read_recipe("paper")
    assert (paper.network.encoder, paper.patches.size, paper.patches.batch) == ("resnet50", 512, 4)
    assert (paper.optimiser.name, paper.optimiser.rate) == ("adam", 3e-4)
    for name in shipped_recipes():
        assert isinstance(read_recipe(name), Recipe), name
    file = tmp_path / "mine.toml"
    for text, message in (
        ("[optimiser]\nrat = 1", "unknown key 'optimiser.rat'.*nearest: rate"),
        ("[patch]\nsize = 1", "unknown key 'patch'.*nearest: patches"),
        ("[patches]\nsize = 1", "patches.size is 1"),
        ("[patches", "not TOML"),
    ):
        file.write_text(text)
        with pytest.raises(RecipeError, match=message):
            read_recipe(str(file))
    with pytest.raises(RecipeError, match=r"no recipe 'papr'.*nearest: paper"):
        read_recipe("papr")


def test_checkpoints_that_are_none(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        read_card(file)
    file.write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}      more")
    with pytest.raises(CheckpointError, match=r"corrupt|without a card"):
        read_card(file)
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, file)
    with pytest.raises(CheckpointError, match="without a card"):
        manet.load(file)
    save_file({"a": torch.zeros(1)}, file, metadata={"manet": "{}"})
    with pytest.raises(CheckpointError, match="cannot read"):
        manet.load(file)
