"""Pages that consist of tables and pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from manet.page.document import Page
from manet.page.parts import facts, paragraph, picture, table
from manet.tables import TextTable


def page_of_tables(
    title: str,
    tables: Sequence[TextTable],
    *,
    lead: str = "",
    about: Sequence[str] = (),
    known: Mapping[str, str] | None = None,
    pictures: Mapping[str, Path] | None = None,
    references: Sequence[str] = (),
) -> Page:
    """A page with a section for each table.

    Args:
        title: Its heading.
        tables: In their order; their notes are below them.
        lead: A line below the heading.
        about: Paragraphs before the tables.
        known: Facts by name, before the tables.
        pictures: Picture files by their captions, before the tables.
        references: Works that are cited, at the end.
    """
    page = Page(title, lead)
    page.section("About", *map(paragraph, about), facts(known or {}))
    shown = [picture(path, caption, whole=True) for caption, path in (pictures or {}).items()]
    page.section("Picture" if len(shown) == 1 else "Pictures", *shown)
    for each in tables:
        page.section(each.title, table(each.columns, each.rows, notes=each.notes))
    page.section("References", *map(paragraph, references))
    return page
