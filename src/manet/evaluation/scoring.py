"""Scores of predictions on a split, under one protocol or under several that share a prediction."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from manet.datasets.manifest import Area, Manifest, Split
from manet.errors import DatasetError
from manet.evaluation.boundary import BoundaryScores, boundary_scores
from manet.evaluation.calibration import CalibrationScores
from manet.evaluation.counting import Tally, held, open_labels, windows
from manet.evaluation.error_map import write_error_map
from manet.evaluation.gallery import Gallery
from manet.evaluation.metrics import Scores, scores
from manet.evaluation.objects import SizeScores, object_scores
from manet.evaluation.protocol import LABELS, Foreground, LabelVersion, PredictionProtocol, Protocol, foreground_classes
from manet.legend import Legend
from manet.raster.scene import Scene
from manet.raster.windows import Window

PredictArea = Callable[[Scene, Window], Iterable[tuple[Window, NDArray[np.uint8]]]]
"""Gives the class indices of an area of a scene, window by window; IGNORED where a pixel is not valid."""


class Evaluation(BaseModel):
    """What `scores.json` holds."""

    model_config = ConfigDict(frozen=True)

    protocol: Protocol
    scores: Scores
    boundary: BoundaryScores | None = None
    """None if it was not asked for, or if labels are eroded, which leaves the boundaries out."""
    objects: dict[str, tuple[SizeScores, ...]] | None = None
    """One entry per bin of sizes for each class, the smallest first; None if not asked for, or if labels are eroded."""
    calibration: CalibrationScores | None = None
    """None if probabilities were not at hand."""
    confusion: tuple[tuple[int, ...], ...]
    """Pixels by true class (row) and predicted class (column)."""


def score_split(
    predict: PredictArea,
    folder: Path,
    manifest: Manifest,
    split: Split,
    settings: PredictionProtocol,
    *,
    labels: Sequence[LabelVersion] = ("full",),
    foregrounds: Sequence[Foreground] = ("legend",),
    tolerance: float | None = None,
    by_size: bool = False,
    errors: Path | None = None,
    gallery: Gallery | None = None,
) -> list[Evaluation]:
    """Predict the areas of a split once and score them against each version of the labels, with each foreground.

    Every pixel that is labelled and valid counts once. An area is predicted by itself, so no pixel outside it is seen;
    its prediction is held in a temporary file, so memory depends on neither its height nor its width.

    Args:
        predict: Predicts an area of a scene.
        folder: Folder of the prepared dataset.
        manifest: The dataset's manifest.
        split: train, validation or test.
        settings: How `predict` predicts.
        labels: Versions of the labels.
        foregrounds: The classes that means are taken over.
        tolerance: For boundary measures, in pixels; None to leave them out.
        by_size: Score by the size of objects as well; an area's labels are then held in memory, about 10 bytes a pixel.
        errors: Folder for error maps against the first version of the labels; None to leave them out.
        gallery: Is given every area with the first version of its labels.

    Returns:
        The evaluations in the order of labels, then foregrounds.

    Raises:
        DatasetError: The split has no area, or lacks labels.
    """
    legend, areas = manifest.legend, areas_of(manifest, split)
    truths = [  # all of them are opened before the first area is predicted, which may take long
        [open_labels(folder, manifest, manifest.scene(area.scene), version) for version in labels] for area in areas
    ]
    tallies = [
        Tally(len(legend), tolerance if version == "full" else None, by_size and version == "full")
        for version in labels
    ]
    for area, versions in zip(areas, truths, strict=True):
        with ExitStack() as stack:
            scene = stack.enter_context(Scene(folder / manifest.scene(area.scene).image))
            prediction = stack.enter_context(held(predict(scene, area.window), area.window))
            write = stack.enter_context(write_error_map(errors, scene, area, split)) if errors else None
            for truth, tally in zip(map(stack.enter_context, versions), tallies, strict=True):
                tally.add_objects(truth, prediction, area.window, legend)
                for counted in windows(truth, prediction, area.window, legend, tally.margin):
                    tally.add(counted)
                    if write is not None and tally is tallies[0]:
                        write(counted.window, counted.labels[counted.core], counted.prediction[counted.core])
            if gallery is not None:
                gallery.add(scene, versions[0], prediction, area)
    if gallery is not None:
        gallery.finish()
    evaluations = []
    for version, tally in zip(labels, tallies, strict=True):
        for foreground in foregrounds:
            averaged = foreground_classes(foreground, legend)
            protocol = Protocol(
                dataset=manifest.dataset,
                split=split,
                labels=version,
                classes=tuple(legend.names),
                foreground=tuple(legend.names[i] for i in averaged),
                **settings.model_dump(),
            )
            evaluations.append(_evaluation(protocol, tally, legend, averaged, manifest.gsd_m))
    return evaluations


def _evaluation(
    protocol: Protocol, tally: Tally, legend: Legend, averaged: Sequence[int], gsd_m: float | None
) -> Evaluation:
    boundary = None
    if tally.tolerance is not None:
        boundary = boundary_scores(tally.boundary, legend, averaged, tally.tolerance, gsd_m)
    return Evaluation(
        protocol=protocol,
        scores=scores(tally.confusion, legend, averaged),
        boundary=boundary,
        objects=object_scores(tally.objects, legend) if tally.by_size else None,
        confusion=tuple(tuple(int(n) for n in row) for row in tally.confusion),
    )


def areas_of(manifest: Manifest, split: str) -> tuple[Area, ...]:
    """The areas of a split. Raises DatasetError if there are none."""
    areas = next((areas for name, areas in manifest.splits.items() if name == split), ())
    if not areas:
        raise DatasetError(f"dataset '{manifest.dataset}' has no {split} split; it has {', '.join(manifest.splits)}")
    return areas


def label_versions(manifest: Manifest, split: str) -> tuple[LabelVersion, ...]:
    """The versions of the labels that every scene of a split has."""
    eroded = all(manifest.scene(area.scene).eroded is not None for area in areas_of(manifest, split))
    return LABELS if eroded else ("full",)


def check_legend(card_legend: Legend, manifest: Manifest) -> None:
    """Raises DatasetError if a dataset has other classes than the network was trained for."""
    if card_legend.names != manifest.legend.names:
        raise DatasetError(
            f"dataset '{manifest.dataset}' has the classes {', '.join(manifest.legend.names)}, the checkpoint knows "
            f"{', '.join(card_legend.names)}; evaluate on a dataset with the checkpoint's classes"
        )
