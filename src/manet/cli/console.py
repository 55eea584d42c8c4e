"""What all commands print with."""

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from manet.tables import TextTable

console = Console()
errors = Console(stderr=True)


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
