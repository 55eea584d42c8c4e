"""Pictures of an evaluation: whole areas, and the windows where the prediction is best and worst."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, TypeAdapter

from manet.datasets.manifest import Area, Split
from manet.evaluation.area_picture import draw_area
from manet.evaluation.counting import read_labels
from manet.evaluation.metrics import confusion, scores
from manet.legend import Legend
from manet.pictures.errors import write_comparison
from manet.raster.reduced import read_colours
from manet.raster.scene import Scene
from manet.raster.windows import Window, tiles

INDEX = "pictures.json"
AREAS = 4
"""Number of whole areas that are shown, spread over the split."""
WINDOW = 512
"""Height and width of the windows that are compared, pixels."""
EACH = 4
"""Number of best and of worst windows."""
LEAST_SCORED, LEAST_SHARE = 0.5, 0.01
"""Share of a window that is scored, and share of a class among the pixels that are, below which they do not count."""

Bytes = NDArray[np.uint8]


class GalleryPicture(BaseModel):
    """A picture of an evaluation."""

    model_config = ConfigDict(frozen=True)

    file: str
    """Its name in the folder of pictures."""
    kind: Literal["area", "classes", "best", "worst"]
    title: str


@dataclass(frozen=True, eq=False)
class _Shown:
    score: float
    title: str
    image: NDArray[np.generic]
    labels: Bytes
    prediction: Bytes
    pixel_m: tuple[float, float] | None


class Gallery:
    """Draws areas as they are scored, and keeps the windows that are best and worst so far.

    A window's score is the mean IoU over those of the foreground classes that cover at least a hundredth of it in the
    labels or the prediction; windows without one, and those of which less than half is scored, are left out.
    """

    def __init__(self, folder: Path, legend: Legend, areas: Sequence[Area], split: Split) -> None:
        """Choose the areas that are shown whole.

        Args:
            folder: Where the pictures are written; made if it does not exist.
            legend: The classes.
            areas: All areas of the split.
            split: The split, for the titles.
        """
        self.folder, self.legend, self.split = folder, legend, split
        count = min(AREAS, len(areas))
        self.whole = [areas[round(n * (len(areas) - 1) / max(count - 1, 1))] for n in range(count)]
        self.pictures: list[GalleryPicture] = []
        self.best: list[_Shown] = []
        self.worst: list[_Shown] = []
        self.windows = 0
        """How many were compared."""

    def add(self, scene: Scene, truth: Scene, prediction: Bytes, area: Area) -> None:
        """Take an area that was predicted.

        Args:
            scene: The area's scene.
            truth: The labels of the whole scene.
            prediction: Class indices of the area (height, width).
            area: The area.
        """
        if area in self.whole:
            self._draw_area(scene, truth, prediction, area)
        for window in tiles(area.height, area.width, WINDOW):
            if min(window.height, window.width) * 2 < min(WINDOW, area.height, area.width):
                continue  # a sliver at the area's edge
            place = window.moved(area.row, area.col)
            labels, predicted = read_labels(truth, place, self.legend), np.array(prediction[window.slices])
            score = self._score(labels, predicted)
            if score is not None:
                self.windows += 1
                self._keep(score, scene, place, labels, predicted, area.scene)

    def finish(self) -> None:
        """Draw the best and the worst windows, and write the index of all pictures."""
        each = min(EACH, self.windows // 2)  # no window is among both
        for number, shown in enumerate(self.best[:each], 1):
            self._write(f"best-{number}.png", "best", shown)
        worst = [shown for shown in self.worst if shown not in self.best[:each]]
        for number, shown in enumerate(worst[:each], 1):
            self._write(f"worst-{number}.png", "worst", shown)
        self.folder.mkdir(parents=True, exist_ok=True)
        index = TypeAdapter(list[GalleryPicture]).dump_json(self.pictures, indent=1)
        (self.folder / INDEX).write_bytes(index)

    def _score(self, labels: Bytes, prediction: Bytes) -> float | None:
        counts = confusion(labels, prediction, len(self.legend))
        total = counts.sum()
        if total < LEAST_SCORED * labels.size:
            return None
        there = np.maximum(counts.sum(axis=0), counts.sum(axis=1)) >= LEAST_SHARE * total
        return scores(counts, self.legend, [index for index in self.legend.foreground if there[index]]).mean_iou

    def _keep(self, score: float, scene: Scene, place: Window, labels: Bytes, prediction: Bytes, name: str) -> None:
        if len(self.worst) == 2 * EACH and self.worst[-1].score <= score <= self.best[-1].score:
            return
        title = f"{name}, row {place.row}, column {place.col}: mean IoU {100 * score:.1f} %"
        image = read_colours(scene.path, place, WINDOW)
        shown = _Shown(score, title, image, labels, prediction, scene.pixel_m())
        self.best = sorted([*self.best, shown], key=lambda one: -one.score)[:EACH]
        self.worst = sorted([*self.worst, shown], key=lambda one: one.score)[: 2 * EACH]  # some may be among the best

    def _draw_area(self, scene: Scene, truth: Scene, prediction: Bytes, area: Area) -> None:
        name = f"area-{1 + sum(picture.kind == 'area' for picture in self.pictures)}.png"
        place = "" if area.window == scene.window else f" from row {area.row}, column {area.col}"
        title = f"{area.scene}{place} ({self.split})"
        classes = self.folder / name.replace(".png", "-classes.png") if len(self.legend) > 2 else None
        draw_area(self.folder / name, scene, truth, prediction, area.window, self.legend, title, classes)
        self.pictures.append(GalleryPicture(file=name, kind="area", title=title))
        if classes is not None:
            words = f"{title}: errors of each class"
            self.pictures.append(GalleryPicture(file=classes.name, kind="classes", title=words))

    def _write(self, name: str, kind: Literal["best", "worst"], shown: _Shown) -> None:
        write_comparison(
            self.folder / name,
            shown.image,
            shown.labels,
            shown.prediction,
            self.legend,
            title=shown.title,
            pixel_m=shown.pixel_m,
        )
        self.pictures.append(GalleryPicture(file=name, kind=kind, title=shown.title))


def read_gallery(folder: Path) -> list[GalleryPicture]:
    """The pictures in a folder; none if there is no index."""
    index = folder / INDEX
    return TypeAdapter(list[GalleryPicture]).validate_json(index.read_bytes()) if index.is_file() else []
