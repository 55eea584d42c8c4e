"""Scores of a network on a split, and the protocol they were taken under."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from manet.datasets.manifest import Area, Manifest, Split
from manet.errors import DatasetError
from manet.legend import Legend
from manet.metrics import Counts, Scores, confusion, scores
from manet.raster.scene import Scene
from manet.raster.windows import Window

AreaPredictor = Callable[[Scene, Window], Iterable[tuple[Window, NDArray[np.uint8]]]]
"""Gives the class indices of an area of a scene, strip by strip; IGNORED where a pixel is not valid."""


class PredictionSettings(BaseModel):
    """How the maps that are scored were made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: int
    """Height and width that the network saw, pixels."""
    overlap: int
    """Of neighbouring windows, pixels; with scene context the halo on either side, twice."""
    augmentation: Literal["none"] = "none"
    context: Literal["window", "scene"] = "window"
    energy: Literal["paper", "training"] = "paper"


class Protocol(PredictionSettings):
    """How scores were taken. Scores under different protocols are different quantities."""

    dataset: str
    split: Split
    labels: Literal["full"] = "full"
    classes: tuple[str, ...]
    """All classes, which the overall accuracy counts."""
    foreground: tuple[str, ...]
    """The classes that the means are taken over."""


class Evaluation(BaseModel):
    """What `scores.json` holds."""

    model_config = ConfigDict(frozen=True)

    protocol: Protocol
    scores: Scores
    confusion: tuple[tuple[int, ...], ...]
    """(truth, prediction) counts of pixels."""


def evaluate(
    predict: AreaPredictor, folder: Path, manifest: Manifest, split: Split, settings: PredictionSettings
) -> Evaluation:
    """Predict the areas of a split and count every labelled valid pixel once.

    An area is predicted by itself, so no pixel outside it is seen. Raises DatasetError where the split has no area.
    """
    legend = manifest.legend
    counts: Counts = np.zeros((len(legend), len(legend)), np.int64)
    for area in areas_of(manifest, split):
        entry = manifest.scene(area.scene)
        with Scene(folder / entry.image) as scene, Scene(folder / entry.labels) as labels:
            for strip, prediction in predict(scene, area.window):
                counts += confusion(labels.read(strip)[0][0], prediction, len(legend))
    protocol = Protocol(
        dataset=manifest.dataset,
        split=split,
        classes=tuple(legend.names),
        foreground=tuple(legend.names[i] for i in legend.foreground),
        **settings.model_dump(),
    )
    return Evaluation(
        protocol=protocol, scores=scores(counts, legend), confusion=tuple(tuple(int(n) for n in row) for row in counts)
    )


def areas_of(manifest: Manifest, split: str) -> tuple[Area, ...]:
    """The areas of a split. Raises DatasetError where there are none."""
    areas = next((areas for name, areas in manifest.splits.items() if name == split), ())
    if not areas:
        raise DatasetError(f"dataset '{manifest.dataset}' has no {split} split; it has {', '.join(manifest.splits)}")
    return areas


def check_legend(card_legend: Legend, manifest: Manifest) -> None:
    """Raises DatasetError where a dataset has other classes than the network was trained for."""
    if card_legend.names != manifest.legend.names:
        raise DatasetError(
            f"dataset '{manifest.dataset}' has the classes {', '.join(manifest.legend.names)}, the checkpoint knows "
            f"{', '.join(card_legend.names)}; evaluate on a dataset with the checkpoint's classes"
        )
