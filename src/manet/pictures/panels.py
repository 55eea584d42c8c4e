"""Pictures side by side in one PNG, with titles, a legend and a scale bar."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Patch
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

from manet.files import replacing
from manet.pictures.colours import Picture

DPI = 120
LARGEST, SMALLEST = 7.0, 3.0
"""Inches of a panel's longer and shorter side, as far as they go together."""
CHARACTER = 0.085
"""Inches that a character takes on average, at most; those of the title take half as much again."""
STEPS = (1, 2, 5)
"""Lengths of scale bars, times a power of ten."""


def write_panels(
    out: Path,
    panels: Mapping[str, Picture],
    *,
    title: str,
    handles: Sequence[Patch] = (),
    pixel_m: tuple[float, float] | None = None,
    overwrite: bool = False,
) -> None:
    """Write pictures of one window as a PNG.

    Args:
        out: File to write.
        panels: Pictures of the same height and width, by the titles they are shown under.
        title: Shown above all of them.
        handles: The entries of the legend.
        pixel_m: Width and height of a picture's pixel on the ground, metres, for the scale bar; None if unknown.
        overwrite: Replace a file that is there.

    Raises:
        OutputError: `out` exists and is not to be replaced, or cannot be written.
    """
    rows, columns = next(iter(panels.values())).shape[:2]
    across, down = pixel_m or (1.0, 1.0)
    shape = rows * down / (columns * across)
    number = panel_columns(len(panels), shape)
    lines = math.ceil(len(panels) / number)
    width = min(LARGEST, LARGEST / shape, max(SMALLEST, 12 / number))
    total = max(number * width, 5.0)
    each = max(int(total / (CHARACTER * (4 + max((len(str(h.get_label())) for h in handles), default=1)))), 1)
    below = 0.25 * math.ceil(len(handles) / each)
    figure = Figure(figsize=(total, lines * (width * shape + 0.35) + below + 0.5), layout="constrained")
    axes = figure.subplots(lines, number, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, (name, picture) in zip(axes, panels.items(), strict=False):
        smooth = np.issubdtype(picture.dtype, np.floating)
        axis.imshow(picture, interpolation="antialiased" if smooth else "nearest", aspect=down / across)
        axis.set_title(wrapped(name, total / number), fontsize=11)
    if pixel_m is not None:
        draw_scale_bar(axes[0], columns, across)
    figure.suptitle(wrapped(title, 0.67 * total), fontsize=12, fontweight="bold")
    if handles:
        figure.legend(
            handles=list(handles), loc="outside lower center", ncols=min(each, len(handles)), frameon=False, fontsize=10
        )
    with replacing(out, overwrite) as partial:
        figure.savefig(partial, dpi=DPI)


def panel_columns(number: int, shape: float) -> int:
    """In how many columns panels of this height over width are laid out, so that the whole fits a screen."""
    fitting = [columns for columns in range(1, number + 1) if number % columns == 0]
    return min(fitting, key=lambda columns: abs(math.log(number / columns * shape / columns / 0.6)))


def wrapped(text: str, inches: float) -> str:
    """A text in lines that fit."""
    return "\n".join(textwrap.wrap(text, max(int(inches / CHARACTER), 8)))


def bar_metres(width_m: float) -> float:
    """The round length of a scale bar on ground of this width: at most a third of it, metres."""
    power = 10.0 ** math.floor(math.log10(width_m / 3))
    return max(step * power for step in STEPS if step * power <= width_m / 3)


def metres(length: float) -> str:
    """A length in words: 200 m, 2 km, 50 cm."""
    if length >= 1000:
        return f"{length / 1000:g} km"
    return f"{length:g} m" if length >= 1 else f"{100 * length:g} cm"


def draw_scale_bar(axis: Axes, columns: int, across: float) -> None:
    """Draw a scale bar into a picture.

    Args:
        axis: The picture's axes.
        columns: Its width, pixels.
        across: Width of a pixel on the ground, metres.
    """
    length = bar_metres(columns * across)
    bar = AnchoredSizeBar(
        axis.transData,
        length / across,
        metres(length),
        "lower left",
        pad=0.4,
        borderpad=0.4,
        sep=3,
        frameon=True,
        color="black",
        size_vertical=max(columns // 150, 1),
        fontproperties=FontProperties(size=9),
    )
    bar.patch.set(facecolor="white", edgecolor="none", alpha=0.8)
    axis.add_artist(bar)
