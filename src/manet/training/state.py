"""What a run keeps on disk: the state to resume from, and the best checkpoint."""

import pickle
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import torch
from lightning.pytorch.callbacks import Callback

from manet.card import Card
from manet.datasets.manifest import Manifest
from manet.errors import TrainingError
from manet.files import replacing
from manet.networks.checkpoint import write_checkpoint
from manet.recipe import Recipe
from manet.training.module import MONITORED, Segmentation


class KeepState(Callback):
    """Writes the state to resume from: at the start, after every epoch, and within an epoch after the first step that
    ends when `interval_s` seconds have passed."""

    def __init__(self, path: Path, interval_s: float = 60.0, dataset: str = "") -> None:
        """Take the file, the seconds between states within an epoch, and the digest of the dataset's manifest."""
        self.path, self.interval_s, self.dataset, self.last = path, interval_s, dataset, time.monotonic()
        self.random_state: torch.Tensor | None = None
        self.finished = False

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if self.random_state is None:  # a resumed run has its state already
            self._write(trainer)

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if self.random_state is not None:  # of a resumed run, as late as possible: making loaders draws numbers too
            torch.set_rng_state(self.random_state)
            self.random_state = None

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        # gradients that wait for a step are not in the state; an epoch's last batch is followed by its validation
        whole_step = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        if whole_step and not trainer.is_last_batch and time.monotonic() - self.last >= self.interval_s:
            self._write(trainer)

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self.finished = trainer.should_stop or trainer.current_epoch + 1 == trainer.max_epochs
        self._write(trainer)

    def state_dict(self) -> dict[str, Any]:
        return {"random_state": torch.get_rng_state(), "finished": self.finished, "dataset": self.dataset}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.random_state = state_dict["random_state"]

    def _write(self, trainer: lightning.Trainer) -> None:
        with replacing(self.path, overwrite=True) as partial:
            trainer.save_checkpoint(partial)
        self.last = time.monotonic()


class KeptState(NamedTuple):
    """What a state says of its run."""

    finished: bool
    """Whether the run has ended by itself: after its last epoch, or by early stopping."""
    dataset: str
    """The digest of the manifest that it was trained on; empty in states of earlier versions."""


def read_state(path: Path) -> KeptState:
    """Read what a state says of its run. Raises TrainingError if it is damaged."""
    try:
        kept = torch.load(path, weights_only=True, mmap=True)["callbacks"][KeepState.__name__]
        return KeptState(kept.get("finished", False), kept.get("dataset", ""))
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, LookupError, AttributeError, TypeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise TrainingError(f"{path} is damaged ({reason}); start a new run in another folder") from error


class KeepRecipe(Callback):
    """Writes the recipe when training starts, by which a folder is known as a run."""

    def __init__(self, path: Path, recipe: Recipe) -> None:
        self.path, self.recipe = path, recipe

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        with replacing(self.path, overwrite=True) as partial:
            partial.write_text(self.recipe.model_dump_json(indent=1), encoding="utf-8")


class KeepBest(Callback):
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
        write_checkpoint(self.path, pl_module.kept, _card(pl_module.recipe, self.manifest, scores), overwrite=True)

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
