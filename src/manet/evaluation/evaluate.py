"""Scores of a model on a split, in one call."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.datasets.manifest import Manifest, Split, read_manifest
from manet.evaluation.boundary import boundary_tolerance
from manet.evaluation.objects import check_by_size
from manet.evaluation.protocol import Foreground, Grid, LabelVersion, PredictionProtocol
from manet.evaluation.scoring import Evaluation, areas_of, check_legend, score_split
from manet.model import Model
from manet.prediction.build_predictor import build_predictor
from manet.prediction.predictor import Predictor
from manet.prediction.settings import PredictionSettings
from manet.progress import QUIET, Progress
from manet.raster.scene import Scene
from manet.raster.windows import Window

SCENE_WINDOW = 1024
"""Height and width of windows with scene context, pixels: whatever the machine's memory is, so that the protocol is the
same everywhere."""


@dataclass(frozen=True)
class Measures:
    """What is measured besides overall accuracy, F1 and IoU."""

    boundary: bool = False
    """Boundary IoU and boundary F1."""
    boundary_m: float | None = None
    """The same within so many metres instead of 3 pixels."""
    by_size: bool = False
    """What is found of objects of every size."""
    errors: Path | None = None
    """Folder for error maps: where the prediction is right and where it is wrong."""


def evaluate(
    model: Model,
    data: str | Path,
    split: Split = "test",
    settings: PredictionSettings = PredictionSettings(),  # noqa: B008 (frozen)
    *,
    labels: LabelVersion = "full",
    foreground: Foreground = "legend",
    measures: Measures = Measures(),
    progress: Progress = QUIET,
) -> Evaluation:
    """Score a model on a split of a prepared dataset, by one confusion matrix over all pixels.

    The defaults are the paper's protocol: full labels, overall accuracy over all classes, means over the legend's
    foreground, no test-time augmentation.

    Args:
        model: Of `manet.load`.
        data: Folder of the prepared dataset.
        split: train, validation or test.
        settings: How the maps that are scored are predicted.
        labels: full, or eroded: without the pixels near boundaries between classes.
        foreground: The classes of the means: the legend's foreground, or all.
        measures: What is measured as well.
        progress: Is told of every window.

    Returns:
        The scores, and the protocol that they were taken under.

    Raises:
        DatasetError: The dataset has other classes than the model, no such split, or no labels there.
        OptionError: The measures do not go together with the labels.
    """
    grid = Grid((labels,), (foreground,), (settings.augmentation,))
    return evaluate_protocols(model, data, split, settings, grid, measures=measures, progress=progress)[0]


def evaluate_protocols(
    model: Model,
    data: str | Path,
    split: Split,
    settings: PredictionSettings,
    grid: Grid,
    *,
    measures: Measures = Measures(),
    progress: Progress = QUIET,
) -> list[Evaluation]:
    """As `evaluate`, under every protocol of a grid, the chosen one first; each augmentation is predicted once."""
    folder = Path(data)
    manifest = read_manifest(folder)
    areas = areas_of(manifest, split)
    boundary = measures.boundary or measures.boundary_m is not None
    tolerance = boundary_tolerance(manifest, measures.boundary_m, grid) if boundary else None
    if measures.by_size:
        check_by_size(grid)
    check_legend(model.legend, manifest)
    if settings.context == "scene" and settings.window is None:
        settings = replace(settings, window=SCENE_WINDOW)
    evaluations: list[Evaluation] = []
    for augmentation in grid.augmentations:
        chosen = replace(settings, augmentation=augmentation)
        with Scene(folder / manifest.scene(areas[0].scene).image) as first:
            predictor = build_predictor(model.runtime, model.card, chosen, first, areas[0].window, progress)
        protocol = PredictionProtocol(
            window=predictor.window, overlap=predictor.overlap, augmentation=augmentation, context=chosen.context
        )
        name = f"evaluating on {split}" + (f", {augmentation}" if len(grid.augmentations) > 1 else "")
        evaluations += score_split(
            _Counting(predictor, manifest, split, name, progress),
            folder,
            manifest,
            split,
            protocol,
            labels=grid.labels,
            foregrounds=grid.foregrounds,
            tolerance=tolerance,
            by_size=measures.by_size,
            errors=measures.errors if not evaluations else None,
        )
    return evaluations


class _Counting:
    """Predicts the areas of a split one after the other, and counts their windows together."""

    def __init__(self, predictor: Predictor, manifest: Manifest, split: Split, name: str, progress: Progress) -> None:
        self.predictor, self.name, self.progress = predictor, name, progress
        self.total = sum(predictor.steps(area.window) for area in areas_of(manifest, split))
        self.before = 0

    def __call__(self, scene: Scene, region: Window) -> Iterator[tuple[Window, NDArray[np.uint8]]]:
        yield from self.predictor.classes(
            scene, region, lambda done: self.progress.count(self.name, self.before + done, self.total)
        )
        self.before += self.predictor.steps(region)
