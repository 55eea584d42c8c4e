"""How `manet predict` tells of its progress: to a person, or as events to a program."""

import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from manet.cli.console import console

EVERY = 1.0
"""Seconds between two events of progress."""


class Pace:
    """How fast a scene is predicted, counting what this process did."""

    def __init__(self, windows: int, megapixels: float) -> None:
        self.windows, self.megapixels = windows, megapixels
        self.done = 0
        self._before: int | None = None
        self._begin = time.monotonic()

    def advance(self, windows: int) -> None:
        """Takes the number of windows that were done before, then each time how many more are done."""
        self.done += windows
        if self._before is None:
            self._before, self._begin = windows, time.monotonic()

    @property
    def share(self) -> float:
        return self.done / self.windows

    @property
    def megapixels_per_second(self) -> float | None:
        """None before anything is known."""
        new, seconds = self.done - (self._before or 0), time.monotonic() - self._begin
        return new / self.windows * self.megapixels / seconds if new and seconds else None

    @property
    def seconds_left(self) -> float | None:
        speed = self.megapixels_per_second
        return (1 - self.share) * self.megapixels / speed if speed else None


class Report(ABC):
    """What a prediction says while it runs."""

    @abstractmethod
    def note(self, line: str) -> None:
        """Something that the user should know."""

    @abstractmethod
    def event(self, name: str, **fields: Any) -> None:
        """Something that a program should know: a name, and JSON values."""

    def only_events(self) -> AbstractContextManager[None]:
        """A context in which standard output holds nothing but events, if this is for a program."""
        return nullcontext()

    @abstractmethod
    def progress(self, pace: Pace) -> AbstractContextManager[Callable[[int], None]]:
        """A context that gives a function to call with the windows done."""


class ConsoleReport(Report):
    """Lines and a bar."""

    def note(self, line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    def event(self, name: str, **fields: Any) -> None:
        pass

    @contextmanager
    def progress(self, pace: Pace) -> Iterator[Callable[[int], None]]:
        columns = (
            TextColumn("predicting"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.completed} of {task.total} windows{task.fields[pace]}"),
        )
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("", total=pace.windows, pace="")

            def advance(windows: int) -> None:
                pace.advance(windows)
                speed, left = pace.megapixels_per_second, pace.seconds_left
                text = f", {speed:.3g} Mpx/s, {_clock(left)} left" if speed is not None and left is not None else ""
                bar.update(task, completed=pace.done, pace=text)

            yield advance


class EventReport(Report):
    """One JSON object a line on standard output; what is meant for people goes to standard error."""

    def note(self, line: str) -> None:
        self.event("note", text=line)

    @contextmanager
    def only_events(self) -> Iterator[None]:
        console.stderr = True
        try:
            yield
        finally:
            console.stderr = False

    def event(self, name: str, **fields: Any) -> None:
        print(json.dumps({"event": name} | fields, ensure_ascii=False), file=sys.stdout, flush=True)

    @contextmanager
    def progress(self, pace: Pace) -> Iterator[Callable[[int], None]]:
        last = -EVERY

        def advance(windows: int) -> None:
            nonlocal last
            pace.advance(windows)
            now = time.monotonic()
            if now - last >= EVERY or pace.done == pace.windows:
                last = now
                self.event(
                    "progress",
                    windows=pace.done,
                    of=pace.windows,
                    megapixels_per_second=_rounded(pace.megapixels_per_second),
                    seconds_left=_rounded(pace.seconds_left),
                )

        yield advance


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
