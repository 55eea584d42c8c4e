"""Lightning's trainer, set up for a run."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import lightning
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.loggers import Logger

from manet.recipe import Recipe
from manet.training.module import MONITORED


def make_trainer(
    recipe: Recipe, device: str, callbacks: Sequence[Callback], logger: Logger | bool
) -> lightning.Trainer:
    """A trainer of one device that validates after every epoch.

    Args:
        recipe: Decides about epochs, precision, accumulated gradients and early stopping.
        device: auto, cpu, cuda or mps.
        callbacks: In the order in which they are called.
        logger: Of Lightning; False for none.
    """
    settings = recipe.training
    if settings.patience is not None:
        stopping = EarlyStopping(MONITORED, patience=settings.patience, mode="max", check_on_train_epoch_end=False)
        callbacks = [stopping, *callbacks]
    return lightning.Trainer(
        accelerator=device,
        devices=1,
        precision={"float32": "32-true", "bfloat16": "bf16-mixed"}[settings.precision],  # type: ignore[arg-type]
        max_epochs=settings.epochs,
        accumulate_grad_batches=recipe.patches.accumulate,
        logger=logger,
        callbacks=list(callbacks),
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


@contextmanager
def quiet() -> Iterator[None]:
    """A context without Lightning's advice on what is no concern of users: workers, short epochs, its use of torch."""
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
