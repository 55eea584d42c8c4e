"""What pages consist of: paragraphs, tables, facts, pictures. All texts are escaped here."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

WIDEST = 1400
"""Pixels of a picture in a page."""
QUALITY = 82
SHORT = 24
"""Characters of a cell that stay in one line."""


@dataclass(frozen=True)
class Share:
    """A number between 0 and 1 in a table: shown in percent, over a bar or a shade of that length."""

    value: float | None
    digits: int = 2
    mark: bool = False
    """Whether it stands out."""

    def __str__(self) -> str:
        return "-" if self.value is None else f"{100 * self.value:.{self.digits}f}"


@dataclass(frozen=True)
class Shade:
    """A cell of a matrix: its text, the smaller text below, and how dark it is, 0 to 1."""

    text: str
    below: str
    share: float


Cell = str | Share | Shade


def escaped(text: str) -> str:
    """A text as HTML; a percent sign stays with its number."""
    return html.escape(text).replace(" %", "&nbsp;%")


def paragraph(text: str, quiet: bool = False) -> str:
    """A paragraph."""
    return f"<p{' class=note' if quiet else ''}>{escaped(text)}</p>"


def heading(text: str) -> str:
    """A heading within a section."""
    return f"<h3>{escaped(text)}</h3>"


def notice(text: str) -> str:
    """A paragraph that stands out."""
    return f'<p class="notice">{escaped(text)}</p>'


def grid(*parts: str) -> str:
    """Parts side by side where there is room."""
    return f'<div class="grid">{"".join(f"<div>{part}</div>" for part in parts if part)}</div>' if any(parts) else ""


def tiles(values: Mapping[str, str]) -> str:
    """The main figures, large: what each is, and its value."""
    shown = "".join(
        f'<div class="tile"><b>{escaped(value)}</b><span>{escaped(name)}</span></div>' for name, value in values.items()
    )
    return f'<div class="tiles">{shown}</div>'


def facts(rows: Mapping[str, str]) -> str:
    """Names and what they are."""
    if not rows:
        return ""
    shown = "".join(
        f'<tr><th scope="row">{escaped(name)}</th><td>{escaped(value)}</td></tr>' for name, value in rows.items()
    )
    return f'<table class="facts"><tbody>{shown}</tbody></table>'


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    title: str = "",
    totals: Sequence[Sequence[Cell]] = (),
    notes: Sequence[str] = (),
) -> str:
    """A table, its first column aligned to the left; it scrolls where the page is narrow.

    Args:
        columns: Their names.
        rows: One cell per column.
        title: Above the table.
        totals: Rows at the end that stand out.
        notes: Lines below.
    """
    caption = f"<caption>{escaped(title)}</caption>" if title else ""
    head = "".join(f'<th scope="col">{escaped(column)}</th>' for column in columns)
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    body += "".join(f'<tr class="total">{_cells(row)}</tr>' for row in totals)
    below = "".join(paragraph(note, quiet=True) for note in notes)
    return (
        f'<div class="scroll"><table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{below}'
    )


def picture(path: Path, caption: str, *, whole: bool = False) -> str:
    """A picture, embedded in the page.

    Args:
        path: Image file.
        caption: Below the picture; also what stands for it where it can't be seen.
        whole: Whether it takes the page's width.
    """
    with Image.open(path) as image:
        shown = image.convert("RGB")
        shown.thumbnail((WIDEST, 4 * WIDEST))
        stream = io.BytesIO()
        shown.save(stream, "WEBP", quality=QUALITY, method=2)
    text, data = escaped(caption), base64.b64encode(stream.getvalue()).decode()
    return (
        f'<figure{" class=whole" if whole else ""}><img alt="{text}" width="{shown.width}" height="{shown.height}" '
        f'src="data:image/webp;base64,{data}"><figcaption>{text}</figcaption></figure>'
    )


def _cells(row: Sequence[Cell]) -> str:
    return "".join(_cell(cell) for cell in row)


def _cell(cell: Cell) -> str:
    if isinstance(cell, Share):
        share = 0.0 if cell.value is None else min(max(cell.value, 0), 1)
        text = f"<b>{cell}</b>" if cell.mark else str(cell)
        return f'<td class="bar" style="--share:{100 * share:.1f}%">{text}</td>'
    if isinstance(cell, Shade):
        full = " full" if cell.share > 0.6 else ""
        below = f"<small>{escaped(cell.below)}</small>" if cell.below else ""
        return f'<td class="cell{full}" style="--share:{100 * cell.share:.0f}%">{escaped(cell.text)}{below}</td>'
    return f"<td{' class=short' if len(cell) <= SHORT else ''}>{escaped(cell)}</td>"
