"""Text in pictures: measured before it is drawn, so that it fits."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageDraw, ImageFont

from manet.pictures.colours import Key

FONTS = "mpl-data/fonts/ttf"
"""Where matplotlib, which is not imported for it, has DejaVu Sans; most alphabets have letters there."""
CUT = "…"


class Text:
    """Text of one size, in lines that fit."""

    def __init__(self, size: int) -> None:
        """Load the fonts.

        Args:
            size: Pixels.
        """
        spec = find_spec("matplotlib")
        assert spec is not None and spec.origin is not None  # manet depends on it
        folder = Path(spec.origin).parent / FONTS
        self.size, self.line = size, round(1.5 * size)
        self.regular = ImageFont.truetype(folder / "DejaVuSans.ttf", size)
        self.bold = ImageFont.truetype(folder / "DejaVuSans-Bold.ttf", size)

    def width(self, text: str, bold: bool = False) -> int:
        """Pixels that a text takes."""
        return round((self.bold if bold else self.regular).getlength(text))

    def wrap(self, text: str, width: int, bold: bool = False) -> list[str]:
        """A text in lines of at most this width; words that are longer are broken."""
        lines, line = [], ""
        for word in text.split():
            if line and self.width(f"{line} {word}", bold) <= width:
                line = f"{line} {word}"
                continue
            if line:
                lines.append(line)
            while self.width(word, bold) > width:
                end = next(n for n in range(len(word), 0, -1) if n == 1 or self.width(word[:n], bold) <= width)
                lines.append(word[:end])
                word = word[end:]
            line = word
        return [*lines, line] if line else lines

    def flow(self, key: Sequence[Key], width: int) -> list[list[Key]]:
        """The entries of a legend in rows of at most this width; names that are wider are cut."""
        rows: list[list[Key]] = []
        for colour, name in key:
            while self._entry(name) > width:
                name = name.rstrip(CUT)[:-1] + CUT
            if rows and sum(self._entry(other) for _, other in rows[-1]) + self._entry(name) <= width:
                rows[-1].append((colour, name))
            else:
                rows.append([(colour, name)])
        return rows

    def draw(self, draw: ImageDraw.ImageDraw, lines: Sequence[str], middle: int, top: int, bold: bool = False) -> None:
        """Draw lines, centred."""
        font = self.bold if bold else self.regular
        for number, line in enumerate(lines):
            draw.text((middle, top + number * self.line), line, fill="black", font=font, anchor="ma")

    def draw_key(self, draw: ImageDraw.ImageDraw, entries: Sequence[Key], middle: int, top: int) -> None:
        """Draw a row of a legend, centred."""
        left = middle - sum(self._entry(name) for _, name in entries) // 2
        for colour, name in entries:
            box = (left, top, left + round(1.6 * self.size), top + self.size)
            draw.rectangle(box, fill=tuple(colour), outline="black")
            draw.text((left + 2 * self.size, top + self.size // 2), name, fill="black", font=self.regular, anchor="lm")
            left += self._entry(name)

    def _entry(self, name: str) -> int:
        return 4 * self.size + self.width(name)
