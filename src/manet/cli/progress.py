"""How commands tell of long work: to a person, or as events to a program."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar

from manet.cli.console import console
from manet.progress import Progress

EVENT_EVERY_S = 1.0
"""Between two events of progress."""

LINE_EVERY_S = 30.0
"""Between the lines that stand for a bar where the output is no terminal."""


class Pace:
    """How fast some work is done, counting what this process did."""

    def __init__(self, what: str, done: int, total: int, megapixels: float | None) -> None:
        self.what, self.before, self.done, self.total, self.megapixels = what, done, done, total, megapixels
        self.begin = self.told = time.monotonic()

    @property
    def steps_per_second(self) -> float | None:
        """None before anything is known."""
        new, seconds = self.done - self.before, time.monotonic() - self.begin
        return new / seconds if new and seconds else None

    @property
    def megapixels_per_second(self) -> float | None:
        speed = self.steps_per_second
        return speed * self.megapixels / self.total if speed and self.megapixels and self.total else None

    @property
    def seconds_left(self) -> float | None:
        speed = self.steps_per_second
        return (self.total - self.done) / speed if speed else None

    @property
    def words(self) -> str:
        """Speed and time left; empty before they are known."""
        left, speed = self.seconds_left, self.megapixels_per_second
        if left is None:
            return ""
        return (f", {speed:.3g} Mpx/s" if speed else "") + f", {_clock(left)} left"


class _Paced(Progress):
    """Keeps the pace of the work that is counted."""

    def __init__(self) -> None:
        self.pace: Pace | None = None

    def count(self, what: str, done: int, total: int, megapixels: float | None = None) -> None:
        if self.pace is None or self.pace.what != what or done < self.pace.done:
            self.pace = Pace(what, done, total, megapixels)
            self.begin(self.pace)
        self.pace.done = done
        self.show(self.pace)

    def begin(self, pace: Pace) -> None:
        """New work is counted."""

    def show(self, pace: Pace) -> None:
        """More of it is done."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class ConsoleProgress(_Paced):
    """Lines, and a bar with the time left; where the output is no terminal a plain line now and then.

    Use it as a context, so that a bar never outlives its work.
    """

    def __init__(self) -> None:
        super().__init__()
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.completed} of {task.total}{task.fields[words]}"),
        )
        self.bar = Bar(*columns, console=console)
        self.task: TaskID | None = None

    def note(self, line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    def warn(self, line: str) -> None:
        self.note(f"warning: {line}")

    def begin(self, pace: Pace) -> None:
        if console.is_terminal:
            self._stop()
            self.bar.start()
            self.task = self.bar.add_task(pace.what, total=pace.total, words="")

    def show(self, pace: Pace) -> None:
        if self.task is not None:
            self.bar.update(self.task, completed=pace.done, words=pace.words)
            if pace.done >= pace.total:
                self._stop()
        elif time.monotonic() - pace.told >= LINE_EVERY_S:
            pace.told = time.monotonic()
            self.note(f"{pace.what}: {pace.done} of {pace.total}{pace.words}")

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _stop(self) -> None:
        if self.task is not None:
            self.bar.stop()
            self.bar.remove_task(self.task)
            self.task = None


class EventProgress(_Paced):
    """One JSON object per line on standard output; what is meant for people goes to standard error."""

    def note(self, line: str) -> None:
        self.event("note", text=line)

    def warn(self, line: str) -> None:
        self.event("note", text=f"warning: {line}")

    def event(self, name: str, **fields: Any) -> None:
        """Something that a program should know: a name, and JSON values."""
        print(json.dumps({"event": name} | fields, ensure_ascii=False), file=sys.stdout, flush=True)

    def begin(self, pace: Pace) -> None:
        pace.told -= EVENT_EVERY_S

    def show(self, pace: Pace) -> None:
        now = time.monotonic()
        if now - pace.told >= EVENT_EVERY_S or pace.done == pace.total:
            pace.told = now
            self.event(
                "progress",
                windows=pace.done,
                of=pace.total,
                megapixels_per_second=_rounded(pace.megapixels_per_second),
                seconds_left=_rounded(pace.seconds_left),
            )


@contextmanager
def only_events() -> Iterator[None]:
    """A context in which standard output holds nothing but events."""
    console.stderr = True
    try:
        yield
    finally:
        console.stderr = False


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
