"""A bar over the whole of a training run, with the time left, the loss and the last validation score."""

from types import TracebackType
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class TrainingProgress(Callback):
    """Prints through a console; use it as a context manager around the training."""

    def __init__(self, console: Console) -> None:
        self.console, self.score = console, "-"
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self.progress = Progress(*columns, console=console)
        self.task = self.progress.add_task("starting", total=None)

    def __enter__(self) -> "TrainingProgress":
        self.progress.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.progress.stop()

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self.progress.update(self.task, total=int(trainer.estimated_stepping_batches), completed=trainer.global_step)

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        loss = float(outputs["loss"]) * trainer.accumulate_grad_batches
        epoch = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
        text = f"{epoch}  loss {loss:.3f}  validation mean IoU {self.score}"
        self.progress.update(self.task, completed=trainer.global_step, description=text)

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        from manet.training.module import MONITORED

        self.score = f"{float(trainer.callback_metrics[MONITORED]):.3f}"
