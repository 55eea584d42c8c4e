"""Scores of a model on a split, in one call."""

from dataclasses import dataclass, replace
from pathlib import Path

from manet.datasets.manifest import Split, read_manifest
from manet.evaluation.boundary import boundary_tolerance
from manet.evaluation.gallery import Gallery
from manet.evaluation.objects import check_by_size
from manet.evaluation.protocol import Foreground, Grid, LabelVersion
from manet.evaluation.reliability import Reliability
from manet.evaluation.scoring import Evaluation, areas_of, check_legend, score_split
from manet.evaluation.split_predictor import SplitPredictor, adapt_split
from manet.model import Model
from manet.prediction.settings import PredictionSettings
from manet.progress import QUIET, Progress

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
    pictures: Path | None = None
    """Folder for pictures of image, labels, prediction and errors: of areas, and of the best and worst windows."""


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
        SceneError: A scene lacks bands that the model takes, or has values that its number type cannot hold.
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
    boundary = measures.boundary or measures.boundary_m is not None
    tolerance = boundary_tolerance(manifest, measures.boundary_m, grid) if boundary else None
    if measures.by_size:
        check_by_size(grid)
    check_legend(model.legend, manifest)
    if settings.context == "scene" and settings.window is None:
        settings = replace(settings, window=SCENE_WINDOW)
    adapted = adapt_split(model.card, folder, manifest, split, settings, progress)
    evaluations: list[Evaluation] = []
    for augmentation in grid.augmentations:
        chosen = replace(settings, augmentation=augmentation)
        name = f"evaluating on {split}" + (f", {augmentation}" if len(grid.augmentations) > 1 else "")
        predictor = SplitPredictor(model, chosen, adapted, name, progress)
        reliability = Reliability(folder, manifest, grid.labels)
        predictor.watch = reliability.add
        gallery = None
        if measures.pictures is not None and not evaluations:
            gallery = Gallery(measures.pictures, manifest.legend, areas_of(manifest, split), split)
        found = score_split(
            predictor,
            folder,
            manifest,
            split,
            predictor.protocol,
            labels=grid.labels,
            foregrounds=grid.foregrounds,
            tolerance=tolerance,
            by_size=measures.by_size,
            errors=measures.errors if not evaluations else None,
            gallery=gallery,
        )
        evaluations += [
            one.model_copy(update={"calibration": reliability.counts[one.protocol.labels].result()}) for one in found
        ]
    return evaluations
