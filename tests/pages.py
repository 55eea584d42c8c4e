"""What tests know of HTML pages."""

import re
from html.parser import HTMLParser

VOID = {"meta", "img", "link", "br", "hr"}


class Checked(HTMLParser):
    """Reads a page and keeps what is open, what it refers to, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name in ("src", "href", "xlink:href", "action", "data", "srcset", "poster"):
                self.addresses.append(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def self_contained(text: str) -> Checked:
    """A page that is well formed, runs nothing and asks no other host for anything."""
    page = Checked(text)
    assert "script" not in page.tags and "link" not in page.tags and "iframe" not in page.tags
    anchors = [address for address in page.addresses if not address.startswith("data:image/webp;base64,")]
    assert {address.removeprefix("#") for address in anchors} <= set(page.ids)
    assert not re.search(r"url\(|@import|https?://", text)
    assert "default-src 'none'" in text and "@media print" in text and "prefers-color-scheme: dark" in text
    return page
