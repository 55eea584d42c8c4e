"""Tables of text, which are shown on screen and written into pages."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TextTable:
    """A table. Its first column is aligned to the left, the others to the right."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    notes: tuple[str, ...] = ()

    def markdown(self) -> list[str]:
        """Lines of Markdown: title, table, notes."""
        rule = ["---", *["---:"] * (len(self.columns) - 1)]
        lines = [f"| {' | '.join(row)} |" for row in (self.columns, rule, *self.rows)]
        return [f"## {self.title}", "", *lines, "", *(line for note in self.notes for line in (note, ""))]


def short(value: float | None) -> str:
    """A number with three digits and a prefix: 412 G; a dash for None."""
    if value is None:
        return "-"
    for prefix in ("", "k", "M", "G"):
        if value < 999.5:
            return f"{value:.3g} {prefix}".rstrip()
        value /= 1000
    return f"{value:.3g} T"
