"""Training: it learns, resumes to the same weights, refuses what it must, and stops with the culprit's name."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

import manet
from builders import train
from manet.card import read_card
from manet.datasets.manifest import Manifest
from manet.datasets.patches import Patches
from manet.errors import CheckpointError, OutputError, TrainingError
from manet.evaluation.metrics import confusion
from manet.legend import IGNORED
from manet.recipe import NetworkSettings, OptimiserSettings, PatchSettings, Recipe, TrainingSettings
from manet.run_folder import read_log
from manet.training.module import count_confusion
from manet.training.optimiser import rate_factor

Town = tuple[Path, Manifest]


class StopAt(Callback):
    """Interrupts a run when a step begins."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if trainer.global_step == self.step:
            raise RuntimeError("stopped")


class Losses(Callback):
    def __init__(self) -> None:
        self.losses: list[float] = []

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *_: Any) -> None:
        self.losses.append(float(outputs["loss"]))


def test_a_run_learns_and_leaves_a_checkpoint_with_its_card(town: Town, tiny_recipe: Recipe, tmp_path: Path) -> None:
    losses = Losses()
    model = train(town[0], tiny_recipe, tmp_path / "run", device="cpu", callbacks=[losses])
    assert sum(losses.losses[-3:]) < 0.9 * sum(losses.losses[:3])
    network = model.network
    assert not network.training
    assert model.legend == town[1].legend
    assert network.band_mean.tolist() == pytest.approx(town[1].statistics.mean)
    assert model.card == read_card(tmp_path / "run/best.safetensors")
    assert model.card.training_size == 64
    assert model.card.recipe == tiny_recipe
    assert 0 < model.card.scores["mean_iou"] < 1
    rows = read_log(tmp_path / "run/log.csv")
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[1]["train/loss"]) < float(rows[0]["train/loss"])
    best = model.card.scores
    assert float(rows[best["epoch"]]["validation/mean_iou"]) == pytest.approx(best["mean_iou"], rel=1e-4)
    with pytest.raises(OutputError, match="resume it"):
        train(town[0], tiny_recipe, tmp_path / "run", device="cpu")
    other = tiny_recipe.model_copy(update={"optimiser": tiny_recipe.optimiser.model_copy(update={"rate": 1e-3})})
    with pytest.raises(TrainingError, match=r"another recipe: optimiser.rate is 0.002, not 0.001; resume with that"):
        train(town[0], other, tmp_path / "run", device="cpu", resume=True)


@pytest.fixture(scope="module")
def dropping_recipe() -> Recipe:
    """Two epochs of three steps, with a network that draws random numbers of its own in every step."""
    return Recipe(
        network=NetworkSettings(encoder="regnetx_002"),
        patches=PatchSettings(size=64, batch=8),
        optimiser=OptimiserSettings(rate=2e-3, schedule="cosine"),
        training=TrainingSettings(epochs=2, patience=5),
    )


@pytest.fixture(scope="module")
def whole(town: Town, dropping_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """The weights of an uninterrupted run."""
    out = tmp_path_factory.mktemp("whole") / "run"
    train(town[0], dropping_recipe, out, device="cpu", callbacks=[Noise()])
    return state(out)


class Noise(Callback):
    """Adds random numbers to the weights, as dropout would, so that the random state matters."""

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        with torch.no_grad():
            next(pl_module.parameters()).add_(torch.randn(1) * 1e-3)


def state(out: Path) -> dict[str, torch.Tensor]:
    return torch.load(out / "last.ckpt", weights_only=True)["state_dict"]


def steps_of(town: Town, recipe: Recipe) -> int:
    return len(Patches(town[0], town[1], "train", recipe.patches.size)) // recipe.patches.batch


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(
    share: float, town: Town, dropping_recipe: Recipe, whole: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    """In mid-epoch and at an epoch's end alike; state is written after every step here."""
    steps = steps_of(town, dropping_recipe)
    out, stop = tmp_path / "run", StopAt(round(share * 2 * steps))
    with pytest.raises(RuntimeError, match="stopped"):
        train(town[0], dropping_recipe, out, device="cpu", save_every_s=0, callbacks=[Noise(), stop])
    train(town[0], dropping_recipe, out, device="cpu", resume=True, callbacks=[Noise()])
    for name, tensor in state(out).items():
        assert torch.equal(tensor, whole[name]), name
    assert [row["epoch"] for row in read_log(out / "log.csv")] == ["1", "2"]


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


def test_the_confusion_matrix_counted_on_a_device_is_that_of_evaluation() -> None:
    labels, prediction = torch.randint(5, (2, 16, 24)), torch.randint(4, (2, 16, 24))
    labels[0, :5], labels[1, :, 3:9] = IGNORED, IGNORED
    expected = confusion(labels.numpy(), prediction.numpy(), 5)
    found = count_confusion(labels, prediction, 5)
    assert found.dtype == torch.int64 and found.tolist() == expected.tolist() and found.sum() > 100
    assert count_confusion(torch.full((3, 4), IGNORED), torch.zeros(3, 4, dtype=torch.long), 2).tolist() == [
        [0, 0],
        [0, 0],
    ]


def test_the_learning_rate_rises_and_falls() -> None:
    cosine = OptimiserSettings(schedule="cosine", warmup=0.2)
    factors = [rate_factor(cosine, step, 100) for step in range(101)]
    assert factors[0] == pytest.approx(0.05) and max(factors) == factors[20] == 1.0
    assert factors[60] == pytest.approx(0.5) and factors[100] == pytest.approx(0, abs=1e-9)
    assert {rate_factor(OptimiserSettings(), step, 100) for step in range(100)} == {1.0}


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
