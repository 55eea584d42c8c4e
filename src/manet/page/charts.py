"""Charts as SVG, in the colours of the page."""

import html
import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 420, 250
LEFT, RIGHT, TOP, BOTTOM = 58, 20, 10, 42
"""Margins around what is plotted."""
SERIES = 6
"""Colours there are; then they repeat with other dashes."""
CHARACTER = 7
"""Width of a character of an axis, at most."""
DASHES = ("", "6 3", "2 3", "8 3 2 3")

Point = tuple[float, float]


def line_chart(
    series: Mapping[str, Sequence[Point]],
    *,
    x: str,
    y: str,
    title: str,
    names: Sequence[str] = (),
    limits: tuple[float, float] | None = None,
    diagonal: bool = False,
) -> str:
    """Lines through points.

    Args:
        series: Points by the name of their line; lines without points are left out.
        x: What goes to the right.
        y: What goes up.
        title: What the chart shows, for those who can't see it.
        names: Of the positions 0, 1, 2, ... to the right, where these are no numbers.
        limits: The lowest and the highest value; None: those of the points.
        diagonal: Whether a line from the origin shows where both are equal.

    Returns:
        A figure with a list of the lines; empty if no line has a point.
    """
    shown = {name: points for name, points in series.items() if points}
    if not shown:
        return ""
    xs = [point[0] for points in shown.values() for point in points]
    ys = [point[1] for points in shown.values() for point in points]
    across = (0.0, len(names) - 1.0) if names else limits if diagonal and limits else _wide(min(xs), max(xs))
    up = limits or _wide(min(ys), max(ys))
    right, high = _Scale(across, LEFT, WIDTH - RIGHT), _Scale(up, HEIGHT - BOTTOM, TOP)
    parts = [_axes(right, high, across, up, x, y, names)]
    if diagonal:
        parts.append(f'<path class="even" d="M{right(up[0])} {high(up[0])}L{right(up[1])} {high(up[1])}"/>')
    for number, points in enumerate(shown.values()):
        path = "M" + "L".join(f"{right(a)} {high(b)}" for a, b in points)
        parts.append(f'<path class="curve" style="{_stroke(number)}" d="{path}"/>')
        if len(points) <= 20:
            dots = "".join(f'<circle cx="{right(a)}" cy="{high(b)}" r="2.6"/>' for a, b in points)
            parts.append(f'<g style="fill:var(--s{number % SERIES})">{dots}</g>')
    return _figure(parts, title, _key(list(shown)))


def bars(values: Sequence[float], names: Sequence[str], *, x: str, y: str, title: str) -> str:
    """Bars side by side.

    Args:
        values: Their heights, 0 or more.
        names: What each is; as many as the values.
        x: What goes to the right.
        y: What goes up.
        title: What the chart shows, for those who can't see it.
    """
    across, up = (-0.5, len(values) - 0.5), (0.0, max([*values, 1e-9]))
    right, high = _Scale(across, LEFT, WIDTH - RIGHT), _Scale(up, HEIGHT - BOTTOM, TOP)
    parts = [_axes(right, high, across, up, x, y, names)]
    for index, value in enumerate(values):
        left, top = right(index - 0.4), high(value)
        width, height = right(index + 0.4) - left, HEIGHT - BOTTOM - top
        parts.append(f'<rect x="{left}" y="{top}" width="{width:.1f}" height="{height:.1f}" style="fill:var(--s0)"/>')
    return _figure(parts, title)


class _Scale:
    """From values to pixels."""

    def __init__(self, values: tuple[float, float], first: float, last: float) -> None:
        self.low, self.each, self.first = values[0], (last - first) / ((values[1] - values[0]) or 1), first

    def __call__(self, value: float) -> float:
        return round(self.first + (value - self.low) * self.each, 1)


def _wide(low: float, high: float) -> tuple[float, float]:
    room = 0.1 * abs(low) or 0.5
    return (low, high) if high > low else (low - room, high + room)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers between two values, at most so many."""
    rough = (high - low) / (most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _axes(
    right: _Scale,
    high: _Scale,
    across: tuple[float, float],
    up: tuple[float, float],
    x: str,
    y: str,
    names: Sequence[str],
) -> str:
    bottom, parts = HEIGHT - BOTTOM, []
    for value in ticks(*up):
        level = high(value)
        parts.append(f'<path class="axis" d="M{LEFT} {level}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{level + 4}" text-anchor="end">{value:g}</text>')
    every = math.ceil(len(names) * max((len(name) for name in names), default=1) * CHARACTER / (WIDTH - LEFT - RIGHT))
    marks = [(i, name) for i, name in enumerate(names) if i % max(every, 1) == 0]
    for value, name in marks or [(value, f"{value:g}") for value in ticks(*across)]:
        at, anchor = right(value), "middle"
        if at + CHARACTER * len(name) / 2 > WIDTH:
            at, anchor = WIDTH, "end"
        parts.append(f'<text x="{at}" y="{bottom + 16}" text-anchor="{anchor}">{html.escape(name)}</text>')
    parts.append(f'<path class="axis" d="M{LEFT} {bottom}H{WIDTH - RIGHT}"/>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{html.escape(x)}</text>')
    turned = f'transform="translate(12 {(TOP + bottom) / 2}) rotate(-90)"'
    parts.append(f'<text {turned} text-anchor="middle">{html.escape(y)}</text>')
    return "".join(parts)


def _stroke(number: int) -> str:
    dash = DASHES[number // SERIES % len(DASHES)]
    return f"stroke:var(--s{number % SERIES})" + (f";stroke-dasharray:{dash}" if dash else "")


def _figure(parts: Sequence[str], title: str, key: str = "") -> str:
    text = html.escape(title)
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{text}"><title>{text}</title>'
        f"{''.join(parts)}</svg>{key}<figcaption>{text}</figcaption></figure>"
    )


def _key(names: Sequence[str]) -> str:
    if len(names) < 2:
        return ""
    entries = "".join(
        f'<li><svg viewBox="0 0 28 10" aria-hidden="true"><path class="curve" style="{_stroke(number)}" d="M0 5H28"/>'
        f"</svg>{html.escape(name)}</li>"
        for number, name in enumerate(names)
    )
    return f'<ul class="key">{entries}</ul>'
