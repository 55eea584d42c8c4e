"""A bar over the whole of a training run, with the time left, the loss and the last validation score; plain lines where
there is no terminal."""

import time
from types import TracebackType
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from manet.progress import Progress


class TrainingProgress(Callback, Progress):
    """Prints through a console; use it as a context manager around the training. Where the console is no terminal, it
    prints one line per epoch. As a callback of Lightning it knows the loss."""

    def __init__(self, console: Console) -> None:
        self.console, self.score = console, "-"
        self.losses: list[float] = []
        """Of the epoch's batches."""
        self.begin = time.monotonic()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self.bar = Bar(*columns, console=console)
        self.task = self.bar.add_task("starting", total=None)

    def __enter__(self) -> "TrainingProgress":
        if self.console.is_terminal:
            self.bar.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self.console.is_terminal:
            self.bar.stop()

    def note(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def warn(self, line: str) -> None:
        self.note(f"warning: {line}")

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self.bar.update(self.task, total=int(trainer.estimated_stepping_batches), completed=trainer.global_step)

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self.begin = time.monotonic()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.losses.append(float(outputs["loss"]) * trainer.accumulate_grad_batches)
        self.bar.update(self.task, completed=trainer.global_step, description=self._text(trainer, self.losses[-1]))

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        from manet.training.module import MONITORED

        self.score = f"{float(trainer.callback_metrics[MONITORED]):.3f}"
        if not self.console.is_terminal and self.losses:
            line = f"{self._text(trainer, sum(self.losses) / len(self.losses))}  {time.monotonic() - self.begin:.0f} s"
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)
        self.losses = []

    def _text(self, trainer: lightning.Trainer, loss: float) -> str:
        epoch = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
        return f"{epoch}  loss {loss:.3f}  validation mean IoU {self.score}"
