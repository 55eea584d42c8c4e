"""Fig. 6 to 8: windows of a scene, their labels, and the map of each network, side by side."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from manet.datasets.manifest import Area
from manet.evaluation.panel import colourise, legend_handles, stretch
from manet.files import replacing
from manet.legend import IGNORED, Legend
from manet.raster.windows import Window, grid

Classes = NDArray[np.uint8]
BOXES = 3
"""Places marked in a window."""
BOX_SHARE = 6
"""A box's side is this part of the window's shorter one."""
LEAST = 0.01
"""Mean disagreement below which a place is not marked."""

COLUMNS = 6


@dataclass(frozen=True)
class Place:
    """A window of a scene."""

    scene: str
    window: Window

    def __str__(self) -> str:
        return f"{self.scene}, row {self.window.row}, col {self.window.col}"


@dataclass(frozen=True)
class Maps:
    """What is shown of a place."""

    place: Place
    image: NDArray[np.generic]
    """(bands, height, width)"""
    labels: Classes
    """(height, width)"""
    predictions: Mapping[str, Classes]
    """By method, (height, width) each."""


def candidates(areas: Sequence[Area], size: int) -> list[Place]:
    """Windows of up to `size` pixels that cover the areas: side by side, the last ones moved inwards."""
    return [Place(area.scene, window) for area in areas for window in grid(area.window, size, size)]


def disagreement(predictions: Sequence[Classes]) -> NDArray[np.float64]:
    """Of each pixel, the share of networks that do not say what most say, 0 to 1; 0 where it is not valid."""
    stack = np.stack(predictions)
    most = np.zeros(stack.shape[1:])
    for index in np.unique(stack[stack != IGNORED]):
        most = np.maximum(most, (stack == index).mean(axis=0))
    return np.where((stack == IGNORED).any(axis=0), 0.0, 1 - most)


def boxes(predictions: Sequence[Classes], count: int = BOXES) -> list[Window]:
    """Squares, apart from each other, in which the networks differ most; fewer where they agree elsewhere."""
    differing = disagreement(predictions)
    side = max(min(differing.shape) // BOX_SHARE, 1)
    sums = np.pad(differing.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]  # by first pixel
    found: list[Window] = []
    while len(found) < count and inside.max() > LEAST * side**2:
        row, col = (int(i) for i in np.unravel_index(inside.argmax(), inside.shape))
        found.append(Window(row, col, side, side))
        inside[max(row - side + 1, 0) : row + side, max(col - side + 1, 0) : col + side] = 0
    return found


def most_differing(maps: Iterator[Maps], count: int) -> list[Maps]:
    """The places at which the networks differ most, in mean over the pixels; holds no more than count + 1 of them."""
    best: list[tuple[float, Maps]] = []
    for one in maps:
        best.append((float(disagreement(list(one.predictions.values())).mean()), one))
        best = sorted(best, key=lambda pair: -pair[0])[:count]
    return [one for _, one in best]


def write_figure(maps: Maps, legend: Legend, out: Path, overwrite: bool = False) -> None:
    """A PNG: the image, the labels, and the map of each network, with boxes where these differ most."""
    pictures: dict[str, NDArray[Any]] = {"image": stretch(maps.image), "labels": colourise(maps.labels, legend)}
    pictures |= {name: colourise(prediction, legend) for name, prediction in maps.predictions.items()}
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    shape = maps.place.window.height / maps.place.window.width
    figure = Figure(figsize=(3 * columns, (3 * shape + 0.3) * rows + 0.8), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).flat
    marked = boxes(list(maps.predictions.values()))
    for axis, (name, picture) in zip(axes, pictures.items(), strict=False):
        axis.imshow(picture, interpolation="nearest" if picture.dtype == np.uint8 else "antialiased")
        axis.set_title(name, fontsize=10)
        for box in marked:
            square = Rectangle((box.col, box.row), box.width, box.height, fill=False, edgecolor="black", linewidth=2.5)
            axis.add_patch(square)
            axis.add_patch(Rectangle(square.xy, box.width, box.height, fill=False, edgecolor="white", linewidth=1))
    for axis in figure.axes:
        axis.set_axis_off()
    figure.suptitle(str(maps.place), fontsize=11)
    handles = legend_handles(legend)
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    with replacing(out, overwrite) as partial:
        figure.savefig(partial, dpi=130)
