"""The picture of a whole area: image, labels, prediction and errors at the size of a picture, in bounded memory."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.evaluation.counting import read_labels
from manet.legend import IGNORED, Legend
from manet.pictures.errors import class_errors, error_kinds, write_class_errors, write_comparison
from manet.raster.reduced import block_shares, most_frequent, read_colours, reduced_size, reduction
from manet.raster.scene import Scene
from manet.raster.windows import Window, tiles

PIXELS = 1000
"""Largest height and width of the picture."""
MOST = 12
"""Classes whose errors are shown one by one, at most."""
READ = 1024
"""Height and width of the windows that are read at once, pixels."""


def draw_area(
    out: Path,
    scene: Scene,
    truth: Scene,
    prediction: NDArray[np.uint8],
    area: Window,
    legend: Legend,
    title: str,
    by_class: Path | None = None,
) -> None:
    """Write a PNG of an area. Every wrong pixel counts in the shares of errors, however much the area is reduced.

    Args:
        out: File to write.
        scene: The scene that the area is a window of.
        truth: Its labels.
        prediction: Class indices of the area (height, width), or IGNORED.
        area: The window.
        legend: The classes.
        title: Shown above the pictures.
        by_class: Another file to write: where each class of the foreground is missed and where it is false.
    """
    factor = reduction(area, PIXELS)
    shape = reduced_size(area, PIXELS)
    shown = {name: np.full(shape, IGNORED, np.uint8) for name in ("labels", "prediction")}
    shares = np.zeros((3, *shape), np.float32)
    classes = {legend.names[index]: index for index in legend.foreground[:MOST]} if by_class else {}
    of_class = {name: np.zeros((3, *shape), np.float32) for name in classes}
    for tile in tiles(area.height, area.width, factor * max(READ // factor, 1)):
        labels = read_labels(truth, tile.moved(area.row, area.col), legend)
        predicted = np.asarray(prediction[tile.slices])
        rows, columns = (slice(each.start // factor, -(-each.stop // factor)) for each in tile.slices)
        shown["labels"][rows, columns] = most_frequent(labels, factor)
        shown["prediction"][rows, columns] = most_frequent(predicted, factor)
        kinds = error_kinds(labels, predicted, legend)
        shares[:, rows, columns] = np.stack([block_shares(kind, factor) for kind in kinds])
        for name, index in classes.items():
            kinds = class_errors(labels, predicted, index)
            of_class[name][:, rows, columns] = np.stack([block_shares(kind, factor) for kind in kinds])
    size, image = scene.pixel_m(), read_colours(scene.path, area, PIXELS)
    pixel_m = None if size is None else (size[0] * factor, size[1] * factor)
    write_comparison(out, image, **shown, legend=legend, shares=shares, title=title, pixel_m=pixel_m)
    if by_class is not None:
        write_class_errors(by_class, image, of_class, title=f"{title}: errors of each class", pixel_m=pixel_m)
