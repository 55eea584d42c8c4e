"""Training on your own data: bands and number types, rare classes, starting from another network, trials."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from rasterio.crs import CRS
from rasterio.transform import Affine

import manet
from builders import Recorded, train
from manet.cli import main
from manet.datasets.manifest import Area, Manifest
from manet.datasets.patches import EpochSampler, Patches, class_aware_weights
from manet.datasets.prepare import SourceDataset, SourceScene, write_dataset
from manet.errors import CheckpointError, TrainingError
from manet.legend import BUILDINGS, IGNORED, Legend
from manet.raster.bands import find_bands
from manet.recipe import (
    AugmentationSettings,
    LossSettings,
    NetworkSettings,
    OptimiserSettings,
    PatchSettings,
    Recipe,
    TrainingSettings,
)
from manet.run_folder import read_log
from manet.training import batch_size, rate_range, trial
from manet.training.batches import Batches
from manet.training.losses import LARGEST_WEIGHT, balanced_weights, cross_entropy, hard_cross_entropy
from manet.training.module import assemble
from manet.training.transfer import transfer_weights

Town = tuple[Path, Manifest]
CPU = torch.device("cpu")
HEIGHT, WIDTH = 192, 160


def dataset(
    folder: Path, bands: tuple[str, ...], dtype: str, legend: Legend = BUILDINGS, *, constant: bool = False
) -> Manifest:
    """A scene, training above validation. Bright pixels are of the last class, patches at the top of those between."""
    row, col = np.mgrid[:HEIGHT, :WIDTH]
    bright = np.sin(row / 9) + np.cos(col / 7) > 0.3
    rng = np.random.default_rng(0)
    values = bright * 0.5 + 0.1 * rng.random((len(bands), HEIGHT, WIDTH)) + 0.05 * np.arange(len(bands))[:, None, None]
    if constant:
        values[-1] = 0.25
    top = {"uint8": 255, "uint16": 12_000, "float32": 1.0}[dtype] / values.max()
    image = (values * top).astype(dtype)
    labels = np.where(bright, len(legend) - 1, 0).astype(np.uint8)
    for index in range(1, len(legend) - 1):
        labels[: HEIGHT // 8, index * 8 : index * 8 + 4] = index
    scene = SourceScene(
        name="scene",
        height=HEIGHT,
        width=WIDTH,
        dtype=dtype,
        crs=CRS.from_epsg(32632),
        transform=Affine(0.5, 0, 500_000, 0, -0.5, 5_300_000),
        image=lambda window: (image[:, *window.slices], np.ones((window.height, window.width), bool)),
        labels=lambda window: labels[window.slices],
    )
    made = SourceDataset(
        name="bright",
        legend=legend,
        bands=bands,
        scenes=[scene],
        splits={
            "train": (Area(scene="scene", row=0, col=0, height=128, width=WIDTH),),
            "validation": (Area(scene="scene", row=128, col=0, height=64, width=WIDTH),),
        },
        attribution="",
    )
    return write_dataset(folder, made)


def altered(recipe: Recipe, **changes: Any) -> Recipe:
    """A recipe with other patches, loss or training settings, given by their names."""
    parts = {"patches": PatchSettings, "loss": LossSettings, "training": TrainingSettings}
    for part, kind in parts.items():
        settings = getattr(recipe, part)
        mine = {name: value for name, value in changes.items() if name in kind.model_fields}
        recipe = recipe.model_copy(update={part: settings.model_copy(update=mine)})
    return recipe


@pytest.mark.parametrize(("bands", "dtype"), [(13, "uint16"), (1, "float32"), (4, "uint8")])
def test_training_takes_other_bands_and_number_types(
    bands: int, dtype: str, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    names = tuple(f"band {number}" for number in range(1, bands + 1))
    manifest = dataset(tmp_path / "data", names, dtype)
    recipe = altered(tiny_recipe, batch=2, epochs=2)
    model = train(tmp_path / "data", recipe, tmp_path / "run", device="cpu")
    rows = read_log(tmp_path / "run/log.csv")
    assert float(rows[1]["train/loss"]) < float(rows[0]["train/loss"]) < 2
    network = model.network
    assert model.card.dtype == dtype and network.bands == bands
    assert network.band_std.tolist() == pytest.approx(manifest.statistics.std, rel=1e-5)


def test_a_constant_band_does_no_harm(tiny_recipe: Recipe, tmp_path: Path) -> None:
    manifest = dataset(tmp_path / "data", ("band 1", "band 2"), "float32", constant=True)
    assert manifest.statistics.maximum[1] == manifest.statistics.minimum[1]
    train(tmp_path / "data", altered(tiny_recipe, batch=2, epochs=1), tmp_path / "run", device="cpu")


def test_balanced_weights_and_the_losses_that_take_them() -> None:
    weights = balanced_weights([900, 90, 10, 0])
    torch.testing.assert_close(weights[:3] * torch.tensor([900.0, 90, 10]), torch.full((3,), 250.0))
    assert weights[3] == 1 and balanced_weights([10**9, 1])[1] == LARGEST_WEIGHT
    logits, labels = torch.randn(2, 4, 16, 24), torch.randint(4, (2, 16, 24))
    labels[:, :3] = IGNORED
    expected = torch.nn.functional.cross_entropy(logits, labels, weights, ignore_index=IGNORED)
    torch.testing.assert_close(cross_entropy(logits, labels, weights), expected)
    torch.testing.assert_close(cross_entropy(logits, labels, torch.ones(4)), cross_entropy(logits, labels))
    alike = hard_cross_entropy(logits, labels, torch.full((4,), 3.0))
    torch.testing.assert_close(alike, hard_cross_entropy(logits, labels))
    assert cross_entropy(logits, torch.full_like(labels, IGNORED), weights) == 0


def test_class_aware_sampling_shows_rare_classes_more_often(town: Town) -> None:
    pixels = np.array([[100, 0], [100, 0], [100, 0], [90, 10]])
    weights = class_aware_weights(pixels)
    assert weights[:3].tolist() == pytest.approx([100 / 390**0.5] * 3)
    assert weights[3].item() == pytest.approx(90 / 390**0.5 + 10 / 10**0.5)
    # as a function of seed and epoch, which can go on from anywhere
    first = list(EpochSampler(4, 3, 5, count=40, weights=weights))
    assert first == list(EpochSampler(4, 3, 5, count=40, weights=weights))
    assert first != list(EpochSampler(4, 3, 6, count=40, weights=weights))
    assert first[13:] == list(EpochSampler(4, 3, 5, 13, count=40, weights=weights))
    assert len(set(first)) == len(first) == 40, "a patch that comes again has a key of its own"
    drawn = [key[1] for epoch in range(50) for key in EpochSampler(4, 3, epoch, count=40, weights=weights)]
    shares = np.bincount(drawn) / len(drawn)
    np.testing.assert_allclose(shares, weights / weights.sum(), atol=0.03)
    patches = Patches(town[0], town[1], "train", 64, AugmentationSettings())
    assert patches.pixels.sum(axis=0).tolist() == list(town[1].pixels["train"])
    assert not torch.equal(patches[0, 2]["image"], patches[0, 2, 1]["image"])


class Stop(Callback):
    """Interrupts a run when a batch begins, counted from 0 over all epochs, or before an epoch is validated."""

    def __init__(self, batch: int, validation: int = -1) -> None:
        self.left, self.validation = batch, validation

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if self.left == 0:
            raise RuntimeError("stopped")
        self.left -= 1

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.current_epoch == self.validation:
            raise RuntimeError("stopped")


@pytest.fixture(scope="module")
def careful(town: Town, tmp_path_factory: pytest.TempPathFactory) -> tuple[Recipe, dict[str, torch.Tensor]]:
    """A recipe with everything that decides what a step sees, and the weights of an uninterrupted run of it."""
    recipe = Recipe(
        network=NetworkSettings(encoder="regnetx_002"),
        patches=PatchSettings(size=64, batch=2, accumulate=3, sampling="class-aware"),
        loss=LossSettings(class_weights="balanced"),
        optimiser=OptimiserSettings(rate=2e-3, schedule="cosine"),
        training=TrainingSettings(epochs=2),
    )
    out = tmp_path_factory.mktemp("careful") / "run"
    train(town[0], recipe, out, device="cpu")
    # the loss is the mean of a step's batches, not their sum
    assert 1 < float(read_log(out / "log.csv")[0]["train/loss"]) < 3
    return recipe, state(out)


def state(out: Path) -> dict[str, torch.Tensor]:
    return torch.load(out / "last.ckpt", weights_only=True)["state_dict"]


@pytest.mark.parametrize("stop", [Stop(0), Stop(5), Stop(-1, validation=0), Stop(14), Stop(-1, validation=1)])
def test_runs_resume_wherever_they_stopped(
    stop: Stop, town: Town, careful: tuple[Recipe, dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    """Before the first step, between the batches of a step, before a validation; an epoch has four steps."""
    recipe, whole = careful
    out = tmp_path / "run"
    with pytest.raises(RuntimeError, match="stopped"):
        train(town[0], recipe, out, device="cpu", save_every_s=0, callbacks=[stop])
    train(town[0], recipe, out, device="cpu", resume=True)
    for name, tensor in state(out).items():
        assert torch.equal(tensor, whole[name]), name
    assert [row["epoch"] for row in read_log(out / "log.csv")] == ["1", "2"]
    assert {p.name for p in out.iterdir()} == {"best.safetensors", "last.ckpt", "log.csv", "recipe.json"}


def test_an_epoch_is_made_of_whole_steps(town: Town, tiny_recipe: Recipe) -> None:
    patches = len(Patches(town[0], town[1], "train", 64))
    assert patches == 25
    for batch, accumulate, steps, count in ((4, 1, 6, 24), (4, 2, 3, 24), (7, 2, 1, 14), (8, 4, 1, 24), (32, 1, 1, 25)):
        recipe = altered(tiny_recipe, batch=batch, accumulate=accumulate)
        batches = Batches(town[0], town[1], recipe, "validation", 0)
        assert (batches.steps, batches.count) == (steps, count)
        assert sum(len(patch["name"]) for patch in batches.training(0)) == count


# starting from another network


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of red, green, blue and background, building."""
    folder = tmp_path_factory.mktemp("donor")
    dataset(folder / "data", ("red", "green", "blue"), "uint8")
    settings = {"network": NetworkSettings(encoder="regnetx_002"), "optimiser": OptimiserSettings(rate=2e-3)}
    recipe = altered(Recipe.model_validate(settings), size=64, batch=2, epochs=6)
    return train(folder / "data", recipe, folder / "run", device="cpu").path


def legend_of(*names: str) -> Legend:
    return Legend.model_validate({"classes": [{"name": n, "colour": (i, i, i)} for i, n in enumerate(names)]})


def test_what_fits_is_transferred(checkpoint: Path, tiny_recipe: Recipe, tmp_path: Path) -> None:
    manifest = dataset(
        tmp_path / "data", ("NIR", "Red", "green"), "uint16", legend_of("tree", "Building", "road", "background")
    )
    network = assemble(manifest, tiny_recipe, 1).network
    fresh = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    transfer = transfer_weights(network, tiny_recipe, manifest, checkpoint)
    donor, found = manet.load(checkpoint).network.state_dict(), network.state_dict()
    first, head = "encoder.body.stem.conv.weight", "decoder.head.4.weight"
    torch.testing.assert_close(found[first][:, 0], donor[first].mean(dim=1))
    torch.testing.assert_close(found[first][:, 1:], donor[first][:, :2], rtol=0, atol=0)
    for row, source in ((1, 1), (3, 0)):
        assert torch.equal(found[head][row], donor[head][source])
    for row in (0, 2):
        assert torch.equal(found[head][row], fresh[head][row])
    others = [n for n in found if n not in (first, head, "decoder.head.4.bias", "band_mean", "band_std")]
    for name in others:
        assert torch.equal(found[name], donor[name]), name
    assert found["band_mean"].tolist() == pytest.approx(manifest.statistics.mean, rel=1e-5)
    assert (transfer.whole, transfer.reset) == (len(others), ())
    assert transfer.bands == {"NIR": "the mean of all", "Red": "red", "green": "green"}
    assert (transfer.classes, transfer.new_classes) == (("Building", "background"), ("tree", "road"))


def test_another_network_another_encoder_and_bands_without_names(
    checkpoint: Path, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    manifest = dataset(tmp_path / "data", ("band 1",), "float32")
    donor = manet.load(checkpoint).network.state_dict()
    network = assemble(manifest, tiny_recipe, 1).network
    transfer_weights(network, tiny_recipe, manifest, checkpoint)
    first = "encoder.body.stem.conv.weight"
    torch.testing.assert_close(network.state_dict()[first][:, 0], donor[first].sum(dim=1))
    other = tiny_recipe.model_copy(
        update={"network": tiny_recipe.network.model_copy(update={"name": "fcn", "encoder": "resnet10t"})}
    )
    network = assemble(manifest, other, 1).network
    transfer = transfer_weights(network, other, manifest, checkpoint)
    assert "encoder.body.conv1.0.weight" in transfer.reset and transfer.classes == ("background", "building")
    assert transfer.bands == {}
    text = "\n".join(transfer.lines)
    assert "bands: all reset" in text and "tensors of the encoder" in text and "reset none" in text
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        transfer_weights(network, other, manifest, tmp_path / "nowhere.safetensors")


def test_a_run_that_starts_from_a_checkpoint_says_so_and_is_ahead(
    checkpoint: Path, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    dataset(tmp_path / "data", ("red", "green", "blue"), "uint8")
    told = Recorded()
    recipe = altered(tiny_recipe, batch=2, epochs=1)
    train(tmp_path / "data", recipe, tmp_path / "tuned", device="cpu", start=checkpoint, progress=told)
    text = "\n".join(told.lines)
    assert "red from red" in text and "reset: nothing else" in text
    train(tmp_path / "data", recipe, tmp_path / "new", device="cpu")
    tuned, new = (float(read_log(tmp_path / run / "log.csv")[0]["train/loss"]) for run in ("tuned", "new"))
    assert tuned < 0.8 * new


def test_bands_by_name() -> None:
    assert find_bands(("red", "near infrared"), ("NIR", "Green", "Red")) == [2, 0]
    assert find_bands(("blue", "band 1"), ("band 1", "undefined")) == [None, None]
    assert find_bands(("red",), ("red", "red")) == [None]


# trials


def test_the_cost_of_a_run_is_measured_and_nothing_written(town: Town, tiny_recipe: Recipe) -> None:
    before = sorted(town[0].rglob("*"))
    cost = trial.estimate_cost(trial.TrainingPlan(town[0], altered(tiny_recipe, accumulate=2), CPU))
    assert (cost.patches, cost.steps) == (16, 1)
    assert 0 < cost.data_s < cost.step_s < cost.epoch_s < cost.run_s
    assert cost.run_s == pytest.approx(2 * cost.epoch_s)
    assert cost.disk > 16 * cost.parameters * 0.99
    assert sorted(town[0].rglob("*")) == before


def test_the_batch_is_doubled_until_it_does_not_pay_or_fit(
    town: Town, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = trial.TrainingPlan(town[0], tiny_recipe, CPU)
    sizes: list[int] = []

    def step(self: trial.Trial, batches: list[Any]) -> float:
        sizes.append(len(batches[0]["image"]))
        if sizes[-1] > 4:
            raise torch.OutOfMemoryError
        return 0.0

    monkeypatch.setattr(trial.Trial, "step", step)
    monkeypatch.setattr(batch_size, "GAIN", 0.0)
    assert [found.batch for found in batch_size.find_batch(plan)] == [1, 2, 4]
    assert sizes == [1, 1, 1, 2, 2, 2, 4, 4, 4, 8]
    monkeypatch.setattr(batch_size, "GAIN", 1e9)
    assert [found.batch for found in batch_size.find_batch(plan)] == [1]


def test_a_rate_is_suggested_from_where_the_loss_is_least(
    town: Town, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert rate_range.suggest([1, 2, 3, 4, 5, 6], [9, 9, 8, 3, 2, 7]) == 0.5
    with pytest.raises(TrainingError, match="the loss falls at no rate"):
        rate_range.suggest([1, 2, 3], [1, 2, 3])
    monkeypatch.setattr(rate_range, "RATE_STEPS", 16)
    told = Recorded()
    found = rate_range.find_rate(trial.TrainingPlan(town[0], tiny_recipe, CPU), told)
    assert 1e-6 < found.best < 0.1 and len(found.rates) == len(found.losses) == len(told.counts)
    found.write_plot(tmp_path / "run/rate.png")
    assert (tmp_path / "run/rate.png").read_bytes()[:4] == b"\x89PNG"
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["rate.png"]


def test_the_command_says_what_it_found_and_transferred(
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dataset(tmp_path / "data", ("red", "near infrared"), "uint16", legend_of("background", "road", "building"))
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        '[network]\nencoder = "regnetx_002"\n[patches]\nsize = 64\nbatch = 2\naccumulate = 2\n'
        'sampling = "class-aware"\n[loss]\nclass_weights = "balanced"\n[training]\nepochs = 1\n'
    )
    monkeypatch.setattr(batch_size, "LARGEST_BATCH", 2)
    monkeypatch.setattr(rate_range, "RATE_STEPS", 16)

    def run(*options: str) -> str:
        command = ["manet", "train", "--data", tmp_path / "data", "--recipe", recipe, "--out", tmp_path / "run"]
        monkeypatch.setattr(sys, "argv", [*map(str, command), "--from", str(checkpoint), "--device", "cpu", *options])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        assert not stop.value.code, captured.err
        return captured.out

    text = run("--dry-run", "--find-batch")
    assert "an epoch: 4 patches in 1 steps" in text and "the run: 1 epochs" in text and "memory:" in text
    assert "batch 1:" in text and "suggested: [patches] batch =" in text
    assert not (tmp_path / "run").exists()
    assert "suggested: [optimiser] rate =" in run("--find-rate")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["rate.png"]
    text = run()
    assert "bands: red from red, near infrared from the mean of all" in text
    assert "classes: transferred background, building; reset road" in text and "best epoch 1" in text


def test_tensorboard(town: Town, tiny_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(town[0], altered(tiny_recipe, epochs=1), tmp_path / "run", device="cpu", tensorboard=True)
    events = EventAccumulator(str(tmp_path / "run/tensorboard"))
    events.Reload()
    assert {"train/loss", "rate", "validation/mean_iou"} <= set(events.Tags()["scalars"])
    assert len(events.Scalars("train/loss")) == 3
    monkeypatch.setattr("manet.training.log.find_spec", lambda name: None)
    with pytest.raises(TrainingError, match="tensorboard is not installed"):
        train(town[0], tiny_recipe, tmp_path / "other", device="cpu", tensorboard=True)
    assert not (tmp_path / "other").exists()
