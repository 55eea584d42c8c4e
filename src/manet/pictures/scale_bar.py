"""Scale bars: how long a round number of metres is in a picture."""

import math

from PIL import Image, ImageDraw

from manet.pictures.text import Text

STEPS = (1, 2, 5)
"""Lengths of scale bars, times a power of ten."""
PAD = 8


def bar_metres(width_m: float) -> float:
    """The round length of a scale bar on ground of this width: at most a third of it, metres."""
    power = 10.0 ** math.floor(math.log10(width_m / 3))
    return max(step * power for step in STEPS if step * power <= width_m / 3)


def metres(length: float) -> str:
    """A length in words: 200 m, 2 km, 50 cm."""
    if length >= 1000:
        return f"{length / 1000:g} km"
    return f"{length:g} m" if length >= 1 else f"{100 * length:g} cm"


def draw_scale_bar(whole: Image.Image, text: Text, corner: tuple[int, int], width: int, across: float) -> None:
    """Draw a scale bar into the lower left corner of a panel, on a light ground.

    Args:
        whole: Where it is drawn.
        text: Its text.
        corner: The panel's lower left corner: column and row.
        width: The panel's width, pixels.
        across: Width of a pixel on the ground, metres.
    """
    length = bar_metres(width * across)
    words, long = metres(length), max(round(length / across), 1)
    thick = max(text.size // 4, 3)
    wide, high = max(long, text.width(words)) + 2 * PAD, thick + text.line + PAD
    left, top = corner[0] + PAD, corner[1] - high - PAD
    box = (left, top, left + wide, top + high)
    light = Image.blend(whole.crop(box), Image.new("RGB", (wide, high), "white"), 0.8)
    whole.paste(light, (left, top))
    draw = ImageDraw.Draw(whole)
    start = left + (wide - long) // 2
    draw.rectangle((start, top + PAD, start + long - 1, top + PAD + thick - 1), fill="black")
    draw.text((left + wide // 2, top + high - 3), words, fill="black", font=text.regular, anchor="md")
