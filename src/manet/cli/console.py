"""What all commands print with."""

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from manet.tables import TextTable

USUAL = 80
"""Width where a terminal says that it has none (COLUMNS=0), letters."""


def new_console(stderr: bool = False) -> Console:
    """What prints; 80 letters wide where the terminal says that it has no width.

    Names of files and classes may have brackets in them, so that only a call that asks for it prints markup.
    """
    made = Console(stderr=stderr, markup=False, emoji=False)
    return made if made.width > 0 else Console(stderr=stderr, markup=False, emoji=False, width=USUAL)


console = new_console()
errors = new_console(stderr=True)


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
