"""An HTML document of sections."""

import html
import re
from importlib.metadata import version
from pathlib import Path

from manet.files import replacing
from manet.page.style import STYLE

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Browsers refuse whatever the page would ask of other hosts, and scripts."""


class Page:
    """A page under construction. Parts are HTML, made by the functions of this package; texts are escaped by them."""

    def __init__(self, title: str, lead: str = "") -> None:
        """Start a page.

        Args:
            title: Its heading.
            lead: A line below it.
        """
        self.title, self.lead = title, lead
        self.sections: list[tuple[str, str]] = []

    def section(self, title: str, *parts: str) -> None:
        """Add a section; nothing is added if all parts are empty."""
        if any(parts):
            self.sections.append((title, "\n".join(part for part in parts if part)))

    def html(self) -> str:
        """The whole document."""
        anchors = [_anchor(title, number) for number, (title, _) in enumerate(self.sections)]
        links = "".join(
            f'<a href="#{anchor}">{html.escape(title)}</a>'
            for anchor, (title, _) in zip(anchors, self.sections, strict=True)
        )
        body = "\n".join(
            f'<section id="{anchor}">\n<h2>{html.escape(title)}</h2>\n{content}\n</section>'
            for anchor, (title, content) in zip(anchors, self.sections, strict=True)
        )
        lead = f'<p class="lead">{html.escape(self.lead)}</p>\n' if self.lead else ""
        return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="generator" content="manet {version("manet")}">
<title>{html.escape(self.title)}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>{html.escape(self.title)}</h1>
{lead}</header>
<nav aria-label="Sections">{links}</nav>
<main>
{body}
</main>
<footer>Written by manet {version("manet")}. This page is one file: it loads nothing from elsewhere.</footer>
</body>
</html>
"""

    def write(self, out: Path, overwrite: bool = False) -> None:
        """Write the document. Raises OutputError if `out` exists and is not to be replaced, or cannot be written."""
        with replacing(out, overwrite) as partial:
            partial.write_text(self.html(), encoding="utf-8")


def _anchor(title: str, number: int) -> str:
    return f"{re.sub('[^a-z0-9]+', '-', title.lower()).strip('-')}-{number + 1}"
