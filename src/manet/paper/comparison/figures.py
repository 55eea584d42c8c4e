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
from manet.evaluation.figures import legend_handles
from manet.files import replacing
from manet.legend import IGNORED, Legend
from manet.model import load
from manet.paper.comparison.experiment import Experiment, window_context
from manet.paper.comparison.results import Run
from manet.paper.printed import METHODS
from manet.pictures.colours import colourise, stretch
from manet.progress import QUIET, Progress
from manet.raster.scene import Scene
from manet.raster.windows import Window, grid

ClassRaster = NDArray[np.uint8]
BOXES = 3
"""Number of boxes that mark where the networks differ most."""
BOX_SHARE = 6
"""The side of a box is this fraction of the window's shorter side."""
LEAST = 0.01
"""Mean disagreement below which nothing is marked."""

COLUMNS = 6
"""Pictures per row of a figure."""


@dataclass(frozen=True)
class SceneWindow:
    """A window and the scene it is in."""

    scene: str
    """The scene's name in the dataset."""
    window: Window

    def __str__(self) -> str:
        return f"{self.scene}, row {self.window.row}, col {self.window.col}"


@dataclass(frozen=True)
class WindowMaps:
    """What is shown of a window: the image, the labels and the map of each network."""

    at: SceneWindow
    image: NDArray[np.generic]
    """(bands, height, width)"""
    labels: ClassRaster
    """(height, width)"""
    predictions: Mapping[str, ClassRaster]
    """(height, width) of each network, by the name that the paper gives it."""


def candidates(areas: Sequence[Area], size: int) -> list[SceneWindow]:
    """Windows of up to `size` pixels that cover the areas: side by side, with the last ones moved inwards."""
    return [SceneWindow(area.scene, window) for area in areas for window in grid(area.window, size, size)]


def predict_windows(
    experiment: Experiment, runs: Sequence[Run], windows: Sequence[SceneWindow], device: str, progress: Progress = QUIET
) -> Iterator[WindowMaps]:
    """Map windows with the networks of some runs. No pixel outside a window is seen.

    Args:
        experiment: The experiment that the runs belong to.
        runs: Finished runs.
        windows: What is mapped.
        device: Where the networks are computed, see `manet.load`.
        progress: Is told of each network in each window.
    """
    predictors = {
        METHODS[run.network]: window_context(experiment, load(run.checkpoint, runtime="torch", device=device))
        for run in runs
    }
    done, total = 0, len(runs) * len(windows)
    for at in windows:
        entry = experiment.manifest.scene(at.scene)
        with Scene(experiment.data / entry.image) as scene, Scene(experiment.data / entry.labels) as labels:
            predictions = {}
            for name, predictor in predictors.items():
                predictions[name] = predictor.whole(scene, at.window)
                done += 1
                progress.count("predicting", done, total)
            yield WindowMaps(at, scene.read(at.window)[0], labels.read(at.window)[0][0], predictions)


def disagreement(predictions: Sequence[ClassRaster]) -> NDArray[np.float64]:
    """For each pixel, the share of networks that differ from the most frequent class.

    Args:
        predictions: Class indices (height, width) of each network, or IGNORED.

    Returns:
        (height, width), 0 to 1; 0 where a pixel is not valid.
    """
    stack = np.stack(predictions)
    most = np.zeros(stack.shape[1:])
    for index in np.unique(stack[stack != IGNORED]):
        most = np.maximum(most, (stack == index).mean(axis=0))
    return np.where((stack == IGNORED).any(axis=0), 0.0, 1 - most)


def boxes(predictions: Sequence[ClassRaster], count: int = BOXES) -> list[Window]:
    """Squares in which the networks differ most, without overlap; fewer if the networks agree elsewhere."""
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


def most_differing(maps: Iterator[WindowMaps], count: int) -> list[WindowMaps]:
    """The `count` windows in which the networks differ most, by the mean over the pixels.

    At most `count` + 1 windows are held in memory.
    """
    best: list[tuple[float, WindowMaps]] = []
    for one in maps:
        best.append((float(disagreement(list(one.predictions.values())).mean()), one))
        best = sorted(best, key=lambda pair: -pair[0])[:count]
    return [one for _, one in best]


def write_figure(maps: WindowMaps, legend: Legend, out: Path, overwrite: bool = False) -> None:
    """Write a PNG with the image, the labels and the map of each network, with boxes where the maps differ most."""
    pictures: dict[str, NDArray[Any]] = {"image": stretch(maps.image), "labels": colourise(maps.labels, legend)}
    pictures |= {name: colourise(prediction, legend) for name, prediction in maps.predictions.items()}
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    shape = maps.at.window.height / maps.at.window.width
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
    figure.suptitle(str(maps.at), fontsize=11)
    handles = legend_handles(legend)
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    with replacing(out, overwrite) as partial:
        figure.savefig(partial, dpi=130)
