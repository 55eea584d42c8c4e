"""A training run: a folder with the recipe, the log, the state to resume from and the best checkpoint."""

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.loggers import Logger

from manet.card import Card, read_card
from manet.datasets.manifest import Manifest, Split, read_manifest
from manet.errors import OutputError, TrainingError
from manet.files import refuse_existing
from manet.networks import build
from manet.recipe import Recipe
from manet.training.batches import Batches
from manet.training.log import Log, tensorboard_logger
from manet.training.module import MONITORED, Segmentation
from manet.training.state import KeepBest, KeepRecipe, KeepState, is_finished
from manet.training.transfer import carry_over

Say = Callable[[str], None]
"""Called with a line for the user."""

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
    start: Path | None = None,
    choose_on: Split = "validation",
    workers: int = 0,
    device: str = "auto",
    save_every_s: float = 60.0,
    tensorboard: bool = False,
    callbacks: Sequence[Callback] = (),
    say: Say = lambda line: None,
) -> Outcome:
    """Train a network on a prepared dataset. The best epoch by mean IoU on the validation split is kept.

    start: a checkpoint whose weights are carried over as far as they fit (see `carry_over`).
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
    if resume and is_finished(out / STATE):
        say(f"{out} is finished: there is nothing to resume")
        return Outcome(out / BEST, read_card(out / BEST))
    manifest = read_manifest(data)
    lightning.seed_everything(recipe.training.seed, verbose=False)
    batches = Batches(data, manifest, recipe, choose_on, workers)
    module = assemble(manifest, recipe, batches.steps, None if resume else start, say, pretrained=not resume)
    logger = tensorboard_logger(out) if tensorboard else False
    for left in out.glob(".*.partial-*"):  # of a process that was killed while it wrote
        left.unlink()
    # the state comes after what it holds the notes of; a folder with a recipe has a state
    state = [KeepState(out / STATE, save_every_s), KeepRecipe(out / RECIPE, recipe)]
    callbacks = [KeepBest(out / BEST, manifest), Log(out / LOG), *callbacks, *state]
    with _quiet():
        trainer = _trainer(recipe, device, callbacks, logger)
        try:
            trainer.fit(module, batches, ckpt_path=out / STATE if resume else None, weights_only=True)
        except SystemExit as stop:
            if isinstance(stop.__context__, KeyboardInterrupt):  # which Lightning turns into exit status 1
                raise KeyboardInterrupt from None
            raise
    return Outcome(out / BEST, read_card(out / BEST))


def _check(out: Path, recipe: Recipe, resume: bool) -> None:
    """Raises where a run would overwrite another, cannot be written, or has nothing to resume."""
    if not resume:
        if (out / RECIPE).exists():
            raise OutputError(f"{out} holds a run already; continue it with --resume, or give another folder")
        refuse_existing(out / RECIPE, overwrite=False)
        return
    if not (out / STATE).is_file() or not (out / RECIPE).is_file():
        raise TrainingError(f"{out} has no {STATE} to resume from; start the run without --resume")
    kept = Recipe.model_validate_json((out / RECIPE).read_text(encoding="utf-8"))
    if differences := kept.differences(recipe):
        raise TrainingError(
            f"{out} was started with another recipe: {', '.join(differences)}; resume with that one, or start a new run"
        )


def assemble(
    manifest: Manifest,
    recipe: Recipe,
    steps: int,
    start: Path | None = None,
    say: Say = lambda line: None,
    *,
    pretrained: bool = True,
) -> Segmentation:
    """The recipe's network for a dataset, with its loss and optimiser over epochs of so many steps."""
    settings = recipe.network
    network = build(
        settings.name,
        encoder=settings.encoder,
        bands=len(manifest.bands),
        classes=len(manifest.legend),
        weights=settings.weights if pretrained and start is None else None,
        drop_path=settings.drop_path,
    )
    network.set_statistics(manifest.statistics.mean, manifest.statistics.std)
    if start is not None:
        for line in carry_over(network, recipe, manifest, start).lines:
            say(line)
    network.to(memory_format=torch.channels_last)  # half the time on a CPU, and what GPUs like
    return Segmentation(network, recipe, manifest.legend, recipe.training.epochs * steps, manifest.pixels["train"])


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


def _trainer(recipe: Recipe, device: str, callbacks: list[Callback], logger: Logger | bool) -> lightning.Trainer:
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
        accumulate_grad_batches=recipe.patches.accumulate,
        logger=logger,
        callbacks=callbacks,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
