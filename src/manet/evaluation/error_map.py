"""Error maps: where a prediction is right and where it is wrong, as a GeoTIFF of every pixel and as a picture."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from rasterio.transform import Affine

from manet.datasets.manifest import Area
from manet.legend import IGNORED, Legend, LegendClass
from manet.raster.scene import Scene
from manet.raster.windows import Window
from manet.raster.writer import write_classes

RIGHT, WRONG = 0, 1
ERRORS = Legend(
    classes=(LegendClass(name="right", colour=(204, 221, 238)), LegendClass(name="wrong", colour=(178, 24, 43)))
)
"""The classes of an error map; pixels that are not scored are IGNORED, its nodata value."""

NOT_SCORED = "#7f7f7f"
"""The colour of pixels that are not scored, in pictures."""

OVERVIEW = 1200
"""Largest height or width of the map in a picture, pixels."""

Write = Callable[[Window, NDArray[np.uint8], NDArray[np.uint8]], None]
"""Takes a window, whose origin is the area's corner, with its labels and prediction (height, width)."""


@contextmanager
def write_error_map(folder: Path, scene: Scene, area: Area, split: str) -> Iterator[Write]:
    """Write the error map of an area, window by window.

    `NAME.tif` is georeferenced; `NAME.png` shows the share of wrong pixels. NAME says the scene and the area's corner.

    Args:
        folder: Where the files are written.
        scene: The area's scene.
        area: What is mapped.
        split: The area's split, for the title.

    Yields:
        A function that takes the windows. The picture is drawn when the context ends.
    """
    name = f"{area.scene.replace('/', '_')}_row{area.row}_col{area.col}"
    factor = max(math.ceil(max(area.height, area.width) / OVERVIEW), 1)
    overview = np.zeros((2, -(-area.height // factor), -(-area.width // factor)), np.int64)
    with write_classes(
        folder / f"{name}.tif",
        height=area.height,
        width=area.width,
        legend=ERRORS,
        crs=scene.crs,
        transform=_transform(scene.transform, area),
    ) as raster:

        def write(window: Window, labels: NDArray[np.uint8], prediction: NDArray[np.uint8]) -> None:
            scored = (labels != IGNORED) & (prediction != IGNORED)
            errors = np.where(scored, np.where(labels == prediction, RIGHT, WRONG), IGNORED).astype(np.uint8)
            raster.write(errors, window)
            rows, columns = (np.arange(first, end) // factor for first, end in _ends(window))
            for value in (RIGHT, WRONG):
                np.add.at(overview[value], np.ix_(rows, columns), errors == value)

        yield write
    _draw(folder / f"{name}.png", overview, f"{area.scene}, {split}: errors")


def _transform(t: Affine, area: Area) -> Affine:
    """The transform of an area, from its scene's."""
    west, north = t.c + area.col * t.a + area.row * t.b, t.f + area.col * t.d + area.row * t.e
    return Affine(t.a, t.b, west, t.d, t.e, north)


def _ends(window: Window) -> tuple[tuple[int, int], tuple[int, int]]:
    return (window.row, window.bottom), (window.col, window.right)


def _draw(path: Path, overview: NDArray[np.int64], title: str) -> None:
    """Draw the share of wrong pixels; overview: right and wrong pixels (2, height, width)."""
    scored = overview.sum(axis=0)
    share = np.where(scored > 0, overview[WRONG] / np.maximum(scored, 1), np.nan)
    ends = [tuple(channel / 255 for channel in colour) for colour in ERRORS.colours]
    colours = LinearSegmentedColormap.from_list("errors", ends).with_extremes(bad=NOT_SCORED)
    height, width = share.shape
    figure = Figure(figsize=(8, min(max(7 * height / width, 2.5), 14) + 0.8), layout="constrained")
    axis = figure.subplots()
    picture = axis.imshow(share, cmap=colours, vmin=0, vmax=1, interpolation="nearest")
    axis.set_axis_off()
    wrong = overview[WRONG].sum() / max(scored.sum(), 1)
    axis.set_title(f"{title} ({100 * wrong:.1f} % of the scored pixels)", fontsize=10)
    figure.colorbar(picture, ax=axis, label="share of wrong pixels", shrink=0.6)
    figure.legend(handles=[Patch(facecolor=NOT_SCORED, label="not scored")], loc="outside lower center", frameon=False)
    figure.savefig(path, dpi=130)
