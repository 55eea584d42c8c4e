"""Pictures of maps: image, labels and prediction side by side."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from manet.files import replacing
from manet.legend import IGNORED, Legend
from manet.raster.scene import Scene
from manet.raster.windows import Window


def colourise(classes: NDArray[np.integer], legend: Legend) -> NDArray[np.uint8]:
    """Class indices (height, width) in the legend's colours (height, width, 3); ignored pixels in grey."""
    table = np.full((IGNORED + 1, 3), 128, np.uint8)
    table[: len(legend)] = legend.colours
    return table[classes]


def stretch(image: NDArray[np.generic]) -> NDArray[np.float64]:
    """The first three bands (bands, height, width) as a picture (height, width, 3) of 0 to 1: 2 to 98 %."""
    values = np.moveaxis(image[: 3 if image.shape[0] >= 3 else 1], 0, 2).astype(np.float64)
    low, high = np.nanpercentile(values, (2, 98), axis=(0, 1))
    return np.clip((values - low) / np.maximum(high - low, 1e-9), 0, 1).repeat(3 // values.shape[2], axis=2)


def legend_handles(legend: Legend) -> list[Patch]:
    """The classes' colours and names for the legend of a figure."""
    return [
        Patch(facecolor="#{:02x}{:02x}{:02x}".format(*colour), edgecolor="black", label=name)
        for name, colour in zip(legend.names, legend.colours, strict=True)
    ]


def write_panel(
    out: Path,
    image: str | Path,
    rasters: dict[str, str | Path],
    legend: Legend,
    window: Window,
    *,
    title: str,
    overwrite: bool = False,
) -> None:
    """A PNG of one window: the image, then each class raster under its name, with the legend below."""
    with Scene(image) as scene:
        pictures: dict[str, NDArray[Any]] = {"image": stretch(scene.read(window)[0])}
    for name, path in rasters.items():
        with Scene(path) as raster:
            pictures[name] = colourise(raster.read(window)[0][0], legend)
    shape = window.height / window.width
    figure = Figure(figsize=(5 * len(pictures), 5 * shape + 1), layout="constrained")
    axes = figure.subplots(1, len(pictures), squeeze=False)[0]
    for axis, (name, picture) in zip(axes, pictures.items(), strict=True):
        axis.imshow(picture, interpolation="nearest" if picture.dtype == np.uint8 else "antialiased")
        axis.set_title(name)
        axis.set_axis_off()
    figure.suptitle(title)
    handles = legend_handles(legend)
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    with replacing(out, overwrite) as partial:
        figure.savefig(partial, dpi=120)
