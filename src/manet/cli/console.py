"""What all commands print with."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from manet.tables import TextTable

console = Console()
errors = Console(stderr=True)


LINE_EVERY_S = 30.0
"""Between the lines that stand for a bar where the output is no terminal."""


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar with the share done and the time left; gives a function that takes how much more was done.

    Where the output is no terminal, a plain line now and then.
    """
    if not console.is_terminal:
        yield _lines(what, total)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(what, total=total)
        yield lambda steps: progress.advance(task, steps)


def _lines(what: str, total: int) -> Callable[[int], None]:
    done, printed = 0, time.monotonic()

    def advance(steps: int) -> None:
        nonlocal done, printed
        done += steps
        if time.monotonic() - printed >= LINE_EVERY_S:
            printed = time.monotonic()
            console.print(f"{what}: {done} of {total}", markup=False, highlight=False, soft_wrap=True)

    return advance


def print_table(table: TextTable) -> None:
    """A table and its notes; as wide as it must be, so that nothing is cut where the terminal is narrow."""
    printed = Table(title=table.title, box=SIMPLE, padding=(0, 0, 0, 1))
    for index, column in enumerate(table.columns):
        printed.add_column(column.replace(" ", "\n"), justify="left" if index == 0 else "right", no_wrap=True)
    for row in table.rows:
        printed.add_row(*row)
    wide = Console(file=console.file, width=1000)
    wide.width = max(console.width, wide.measure(printed).maximum)
    wide.print(printed)
    for note in table.notes:
        console.print(note, style="dim", markup=False, highlight=False)
