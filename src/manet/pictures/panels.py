"""Pictures side by side in one PNG, with titles, a legend and a scale bar; drawn to the pixel, within milliseconds."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from manet.files import replacing
from manet.pictures.colours import Key, Picture
from manet.pictures.scale_bar import draw_scale_bar
from manet.pictures.text import Text

SMALLEST = 480
"""Pixels of a panel's longer side, at least; smaller pictures are enlarged."""
NARROWEST = 640
"""Pixels of the whole, at least."""
GAP = 14
"""Pixels between panels, and around them."""
FRAME = (150, 150, 150)
"""The colour of the line around a panel, since classes may be white."""
SHAPE = 0.6
"""Height over width that the whole should have."""
EMPTY = 0.4
"""What an empty place costs, as much as being so unlike that shape (natural logarithm)."""


def write_panels(
    out: Path,
    panels: Mapping[str, Picture],
    *,
    title: str,
    key: Sequence[Key] = (),
    pixel_m: tuple[float, float] | None = None,
    overwrite: bool = False,
) -> None:
    """Write pictures of one window as a PNG.

    Args:
        out: File to write.
        panels: Pictures of the same height and width, by the titles they are shown under.
        title: Shown above all of them.
        key: What the colours mean.
        pixel_m: Width and height of a picture's pixel on the ground, metres, for the scale bar; None if unknown.
        overwrite: Replace a file that is there.

    Raises:
        OutputError: `out` exists and is not to be replaced, or cannot be written.
    """
    images = [_image(picture, pixel_m) for picture in panels.values()]
    width, height = images[0].size
    columns = panel_columns(len(panels), height / width)
    rows = [list(panels)[first : first + columns] for first in range(0, len(panels), columns)]
    total = max(columns * (width + GAP) + GAP, NARROWEST)
    slot = (total - GAP) // columns
    text = Text(min(max(total // 60, 15), 24))
    heading = text.wrap(title, total - 2 * GAP, bold=True)
    names = [[text.wrap(name, slot - GAP) for name in row] for row in rows]
    key_rows = text.flow(key, total - 2 * GAP)
    heights = [max(map(len, row)) * text.line + height + GAP for row in names]
    below = len(key_rows) * text.line + (GAP if key_rows else 0)
    whole = Image.new("RGB", (total, GAP + len(heading) * text.line + GAP + sum(heights) + below), "white")
    draw = ImageDraw.Draw(whole)
    top = GAP
    text.draw(draw, heading, total // 2, top, bold=True)
    top += len(heading) * text.line + GAP
    shown = iter(images)
    for row, row_height in zip(names, heights, strict=True):
        for column, lines in enumerate(row):
            left = GAP + column * slot + (slot - GAP - width) // 2
            text.draw(draw, lines, left + width // 2, top)
            corner = left, top + row_height - height - GAP
            draw.rectangle((left - 1, corner[1] - 1, left + width, corner[1] + height), outline=FRAME)
            whole.paste(next(shown), corner)
            if pixel_m is not None and column == 0 and row is names[0]:
                across = pixel_m[0] * next(iter(panels.values())).shape[1] / width
                draw_scale_bar(whole, text, (left, top + row_height - GAP), width, across)
        top += row_height
    for entries in key_rows:
        text.draw_key(draw, entries, total // 2, top)
        top += text.line
    with replacing(out, overwrite) as partial:
        whole.save(partial, format="PNG")


def panel_columns(number: int, shape: float) -> int:
    """In how many columns panels of this height over width are laid out, so that the whole fits a screen and few places
    stay empty."""

    def unlike(columns: int) -> float:
        rows = math.ceil(number / columns)
        return abs(math.log(rows * shape / columns / SHAPE)) + EMPTY * (rows * columns - number)

    return min(range(1, number + 1), key=unlike)


def _image(picture: Picture, pixel_m: tuple[float, float] | None) -> Image.Image:
    """A picture as it is shown: of square ground, and not too small."""
    smooth = np.issubdtype(picture.dtype, np.floating)
    values = np.rint(255 * picture).astype(np.uint8) if smooth else picture.astype(np.uint8)
    image = Image.fromarray(values)
    times = max(math.ceil(SMALLEST / max(image.size)), 1)
    across, down = pixel_m or (1.0, 1.0)
    stretched = down / across if abs(down / across - 1) > 0.01 else 1.0
    size = image.width * times, max(round(image.height * times * stretched), 1)
    return image if size == image.size else image.resize(size, Image.Resampling.NEAREST)
