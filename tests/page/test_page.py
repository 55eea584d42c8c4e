"""Pages: whole, safe, self-contained; tables, charts, pictures."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from manet.errors import OutputError
from manet.page.charts import bars, line_chart, ticks
from manet.page.document import Page
from manet.page.parts import Shade, Share, facts, grid, notice, paragraph, picture, table, tiles
from pages import self_contained


def test_everything_is_escaped_and_self_contained(tmp_path: Path) -> None:
    evil = '<script>alert("1")</script> & 5 %'
    Image.fromarray(np.zeros((20, 3000, 3), np.uint8)).save(tmp_path / "x.png")
    page = Page(evil, evil)
    page.section(evil, paragraph(evil), notice(evil), tiles({evil: evil}), facts({evil: evil}))
    page.section(
        evil,
        table([evil, evil], [[evil, Share(0.5)], [evil, Shade(evil, evil, 0.9)]], title=evil, notes=[evil]),
        grid(
            picture(tmp_path / "x.png", evil), line_chart({evil: [(0, 1)], "b": [(1, 2)]}, x=evil, y=evil, title=evil)
        ),
        bars([1, 2], [evil, evil], x=evil, y=evil, title=evil),
    )
    page.section("nothing to say", "", "")
    page.write(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    checked = self_contained(text)
    assert checked.tags.count("section") == 2 and "nothing to say" not in text
    assert checked.text.count('<script>alert("1")</script> &') >= 20
    assert 'width="1400"' in text  # large pictures are reduced
    with pytest.raises(OutputError, match="exists"):
        page.write(tmp_path / "page.html")


def test_what_is_self_contained_is_tested_at_all() -> None:
    page = Page("x")
    page.section("y", '<img src="https://example.org/x.png">')
    with pytest.raises(AssertionError):
        self_contained(page.html())


def test_lines_go_where_the_points_are() -> None:
    chart = line_chart({"a": [(0, 0), (10, 100)], "none": []}, x="x", y="y", title="t", limits=(0, 100), diagonal=False)
    svg = ElementTree.fromstring(re.search("<svg.*</svg>", chart, re.S)[0])  # type: ignore[index]
    (curve,) = [path for path in svg.iter("path") if path.get("class") == "curve"]
    (x0, y0), (x1, y1) = (map(float, point.split()) for point in curve.get("d", "")[1:].split("L"))
    assert x0 == 58 and x1 == 400 and y0 == 208 and y1 == 10
    labels = [text.text for text in svg.iter("text")]
    assert {"0", "20", "100", "x", "y"} <= set(labels)
    assert line_chart({"a": []}, x="x", y="y", title="t") == ""


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [(0, 100, [0, 20, 40, 60, 80, 100]), (0.31, 0.52, [0.35, 0.4, 0.45, 0.5]), (1, 4, [1, 2, 3, 4]), (0, 1e-4, None)],
)
def test_ticks_are_round(low: float, high: float, found: list[float] | None) -> None:
    got = ticks(low, high)
    assert 2 <= len(got) <= 6 and low <= got[0] + 1e-9 and got[-1] <= high + 1e-9
    assert found is None or got == pytest.approx(found)


def test_many_names_of_positions_do_not_run_into_each_other() -> None:
    chart = line_chart({"a": [(0, 1), (29, 2)]}, x="x", y="y", title="t", names=[f"name {n}" for n in range(30)])
    assert 2 <= chart.count(">name ") <= 10
