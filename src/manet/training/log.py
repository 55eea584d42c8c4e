"""The log of a run: a CSV with one row per epoch, which a resumed run continues."""

import csv
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger, TensorBoardLogger

from manet.errors import TrainingError
from manet.files import replacing
from manet.run_folder import read_log

COLUMNS = ("epoch", "step", "seconds", "rate", "train/loss", "validation/mean_iou", "validation/overall_accuracy")


class Log(Callback):
    """Adds an epoch's row when it has been validated; the row of an epoch that is repeated is replaced."""

    def __init__(self, path: Path) -> None:
        self.path, self.begin = path, time.monotonic()
        self.losses: list[float] = []

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self.begin = time.monotonic()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        # Lightning divides the loss by the number of batches of a step
        self.losses.append(float(outputs["loss"]) * trainer.accumulate_grad_batches)
        values = {"train/loss": self.losses[-1], "rate": trainer.optimizers[0].param_groups[0]["lr"]}
        for logger in trainer.loggers:
            logger.log_metrics(values, step=trainer.global_step)

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        row = {name: f"{float(value):.6g}" for name, value in trainer.callback_metrics.items()} | {
            "epoch": str(trainer.current_epoch + 1),
            "step": str(trainer.global_step),
            "seconds": f"{time.monotonic() - self.begin:.1f}",
            "rate": f"{trainer.optimizers[0].param_groups[0]['lr']:.6g}",
            "train/loss": f"{sum(self.losses) / max(len(self.losses), 1):.6g}",
        }
        self.losses = []
        earlier = [r for r in read_log(self.path) if int(r["epoch"]) <= trainer.current_epoch]
        with replacing(self.path, overwrite=True) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
            rows: csv.DictWriter[str] = csv.DictWriter(stream, COLUMNS, extrasaction="ignore")
            rows.writeheader()
            rows.writerows([*earlier, row])

    def state_dict(self) -> dict[str, Any]:
        return {"losses": self.losses}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.losses = state_dict["losses"]


def tensorboard_logger(out: Path) -> Logger:
    """A logger that writes to `out`/tensorboard. Raises TrainingError if tensorboard is not installed."""
    if find_spec("tensorboard") is None:
        raise TrainingError(
            "tensorboard is not installed; install it (pip install 'manet[tensorboard]'), or train without its log",
            option="tensorboard",
        )
    return TensorBoardLogger(out, name="tensorboard", version="")
