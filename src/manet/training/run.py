"""A training run: a folder with the recipe, the log, the state to resume from and the best checkpoint."""

import logging
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping
from torch.utils.data import DataLoader

from manet import checkpoint
from manet.card import Card
from manet.datasets.manifest import Manifest, Split, read_manifest
from manet.datasets.patches import EpochSampler, Patch, Patches, in_order
from manet.errors import OutputError, TrainingError
from manet.models import build
from manet.raster.writer import refuse_existing, replacing
from manet.recipe import Recipe
from manet.training.log import Log
from manet.training.module import MONITORED, Segmentation

BEST = "best.safetensors"
STATE = "last.ckpt"
RECIPE = "recipe.json"
LOG = "log.csv"


@dataclass(frozen=True)
class Outcome:
    """Where the best checkpoint is, and its card."""

    checkpoint: Path
    card: Card


def train(
    data: Path,
    recipe: Recipe,
    out: Path,
    *,
    resume: bool = False,
    choose_on: Split = "validation",
    workers: int = 0,
    device: str = "auto",
    save_every_s: float = 60.0,
    callbacks: Sequence[Callback] = (),
) -> Outcome:
    """Train a network on a prepared dataset. The best epoch by mean IoU on the validation split is kept.

    resume: continue the run in `out` where its state was last written: after an epoch, and every `save_every_s`
    seconds. On a CPU the weights end up the same, bit for bit, as those of a run that was never interrupted.
    Raises TrainingError where the epoch would be chosen on the test split, where there is nothing to resume or the
    recipe is another than the run's, and where the loss is not finite; DatasetError where a split has no patch.
    """
    if choose_on == "test":
        raise TrainingError(
            "the best epoch may not be chosen on the test split: its scores would mean nothing; use validation"
        )
    _check(out, recipe, resume)
    manifest = read_manifest(data)
    lightning.seed_everything(recipe.training.seed, verbose=False)
    batches = _Batches(data, manifest, recipe, choose_on, workers)
    settings = recipe.network
    network = build(
        settings.name,
        encoder=settings.encoder,
        bands=len(manifest.bands),
        classes=len(manifest.legend),
        weights=None if resume else settings.weights,
    )
    network.to(memory_format=torch.channels_last)  # half the time on a CPU, and what GPUs like
    network.set_statistics(manifest.statistics.mean, manifest.statistics.std)
    if not resume:
        _start(out, recipe)
    module = Segmentation(network, recipe, manifest.legend, recipe.training.epochs * batches.steps)
    # the state comes last, so that it holds what the others have just noted
    callbacks = [_KeepBest(out / BEST, manifest), Log(out / LOG), *callbacks, KeepState(out / STATE, save_every_s)]
    with _quiet():
        trainer = _trainer(recipe, device, callbacks)
        trainer.fit(module, batches, ckpt_path=out / STATE if resume else None, weights_only=True)
    if trainer.interrupted:
        raise KeyboardInterrupt
    return Outcome(out / BEST, checkpoint.read_card(out / BEST))


def _check(out: Path, recipe: Recipe, resume: bool) -> None:
    """Raises where a run would overwrite another, cannot be written, or has nothing to resume."""
    if not resume:
        if (out / RECIPE).exists():
            raise OutputError(f"{out} holds a run already; continue it with --resume, or give another folder")
        refuse_existing(out / RECIPE, overwrite=False)
        return
    if not (out / STATE).is_file():
        raise TrainingError(f"{out} has no {STATE} to resume from; start the run without --resume")
    if Recipe.model_validate_json((out / RECIPE).read_text(encoding="utf-8")) != recipe:
        raise TrainingError(f"{out} was started with another recipe; resume with that one, or start a new run")


def _start(out: Path, recipe: Recipe) -> None:
    with replacing(out / RECIPE) as partial:
        partial.write_text(recipe.model_dump_json(indent=1), encoding="utf-8")


class _Batches(lightning.LightningDataModule):
    """Training batches, anew for every epoch, and validation batches."""

    def __init__(self, data: Path, manifest: Manifest, recipe: Recipe, choose_on: Split, workers: int) -> None:
        super().__init__()
        self.recipe, self.workers = recipe, workers
        size, seed = recipe.patches.size, recipe.training.seed
        self.train_patches = Patches(data, manifest, "train", size, recipe.augmentation, seed)
        self.validation_patches = Patches(data, manifest, choose_on, size)
        # a last, smaller batch would make poor statistics for batch norm
        self.drop_last = len(self.train_patches) >= recipe.patches.batch
        self.steps = len(self.train_patches) // recipe.patches.batch if self.drop_last else 1
        """Of an epoch."""

    def train_dataloader(self) -> DataLoader[Patch]:
        assert self.trainer is not None
        # the step alone says where a run stands, so a resumed one sees the patches that are left of its epoch
        epoch, done = divmod(self.trainer.global_step, self.steps)
        start = done * self.recipe.patches.batch
        sampler = EpochSampler(len(self.train_patches), self.recipe.training.seed, epoch, start)
        return self._loader(self.train_patches, sampler, self.drop_last)

    def val_dataloader(self) -> DataLoader[Patch]:
        return self._loader(self.validation_patches, in_order(self.validation_patches), drop_last=False)

    def _loader(self, patches: Patches, sampler: Any, drop_last: bool) -> DataLoader[Patch]:
        return DataLoader(
            patches,
            self.recipe.patches.batch,
            sampler=sampler,
            drop_last=drop_last,
            num_workers=self.workers,
            pin_memory=torch.cuda.is_available(),
            generator=torch.Generator(),  # of its own, so that making a loader draws nothing that training would draw
        )


class KeepState(Callback):
    """Writes the state to resume from: after every epoch, and within one when `interval_s` seconds have passed."""

    def __init__(self, path: Path, interval_s: float = 60.0) -> None:
        self.path, self.interval_s, self.last = path, interval_s, time.monotonic()
        self.random_state: torch.Tensor | None = None

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if self.random_state is not None:  # of the resumed run, as late as possible: making loaders draws numbers too
            torch.set_rng_state(self.random_state)
            self.random_state = None

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if time.monotonic() - self.last >= self.interval_s:
            self._write(trainer)

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._write(trainer)

    def state_dict(self) -> dict[str, Any]:
        return {"random_state": torch.get_rng_state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.random_state = state_dict["random_state"]

    def _write(self, trainer: lightning.Trainer) -> None:
        with replacing(self.path, overwrite=True) as partial:
            trainer.save_checkpoint(partial)
        self.last = time.monotonic()


class _KeepBest(Callback):
    """Writes the checkpoint of the epoch with the best validation score."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path, self.manifest, self.best = path, manifest, -1.0

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        score = float(trainer.callback_metrics[MONITORED])
        if trainer.sanity_checking or score <= self.best:
            return
        assert isinstance(pl_module, Segmentation) and pl_module.scores is not None
        self.best = score
        scores = pl_module.scores.model_dump() | {"epoch": trainer.current_epoch}
        checkpoint.save(self.path, pl_module.network, _card(pl_module.recipe, self.manifest, scores), overwrite=True)

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best = state_dict["best"]


def _card(recipe: Recipe, manifest: Manifest, scores: dict[str, Any]) -> Card:
    return Card(
        recipe=recipe,
        dataset=manifest.dataset,
        legend=manifest.legend,
        bands=manifest.bands,
        dtype=manifest.dtype,
        band_mean=manifest.statistics.mean,
        band_std=manifest.statistics.std,
        gsd_m=manifest.gsd_m,
        training_size=recipe.patches.size,
        scores=scores,
        attribution=manifest.attribution,
        version=version("manet"),
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning's advice that does not concern the user: devices, workers, short epochs, its own use of torch."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        for message in (
            "does not have many workers",
            "number of training batches",
            "dataloader is not resumable",
            "LeafSpec",
        ):
            warnings.filterwarnings("ignore", message=f".*{message}.*")
        yield


def _trainer(recipe: Recipe, device: str, callbacks: list[Callback]) -> lightning.Trainer:
    settings = recipe.training
    if settings.patience is not None:
        callbacks = [
            EarlyStopping(MONITORED, patience=settings.patience, mode="max", check_on_train_epoch_end=False),
            *callbacks,
        ]
    return lightning.Trainer(
        accelerator=device,
        devices=1,
        precision={"float32": "32-true", "bfloat16": "bf16-mixed"}[settings.precision],  # type: ignore[arg-type]
        max_epochs=settings.epochs,
        logger=False,
        callbacks=callbacks,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
