"""Scores of a network on a split, and the protocol they were taken under."""

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict

from manet.datasets.manifest import Manifest, Split
from manet.errors import DatasetError
from manet.legend import IGNORED, Legend
from manet.metrics import Counts, Scores, confusion, scores
from manet.prediction.predict import Advance, Predictor, Tiling, predict
from manet.raster.scene import Scene


class Protocol(BaseModel):
    """How scores were taken. Scores under different protocols are different quantities."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    split: Split
    labels: Literal["full"] = "full"
    classes: tuple[str, ...]
    """All classes, which the overall accuracy counts."""
    foreground: tuple[str, ...]
    """The classes that the means are taken over."""
    window: int
    overlap: int
    augmentation: Literal["none"] = "none"
    context: Literal["window"] = "window"


class Evaluation(BaseModel):
    """What `scores.json` holds."""

    model_config = ConfigDict(frozen=True)

    protocol: Protocol
    scores: Scores
    confusion: tuple[tuple[int, ...], ...]
    """(truth, prediction) counts of pixels."""


def evaluate(
    network: Predictor,
    folder: Path,
    manifest: Manifest,
    split: Split,
    tiling: Tiling,
    device: torch.device,
    advance: Advance = lambda windows: None,
) -> Evaluation:
    """Predict the areas of a split and count every labelled valid pixel once.

    An area is predicted by itself, so no pixel outside it is seen. Raises DatasetError where the split has no area.
    """
    areas = manifest.splits.get(split, ())
    if not areas:
        raise DatasetError(f"dataset '{manifest.dataset}' has no {split} split; it has {', '.join(manifest.splits)}")
    legend = manifest.legend
    counts: Counts = np.zeros((len(legend), len(legend)), np.int64)
    for area in areas:
        entry = manifest.scene(area.scene)
        with Scene(folder / entry.image) as scene, Scene(folder / entry.labels) as labels:
            for strip, prediction in predict(network, scene, area.window, len(legend), tiling, device, advance):
                truth = labels.read(strip)[0][0].copy()
                truth[prediction == IGNORED] = IGNORED
                counts += confusion(truth, prediction, len(legend))
    protocol = Protocol(
        dataset=manifest.dataset,
        split=split,
        classes=tuple(legend.names),
        foreground=tuple(legend.names[i] for i in legend.foreground),
        window=tiling.window,
        overlap=tiling.overlap,
    )
    return Evaluation(
        protocol=protocol, scores=scores(counts, legend), confusion=tuple(tuple(int(n) for n in row) for row in counts)
    )


def check_legend(card_legend: Legend, manifest: Manifest) -> None:
    """Raises DatasetError where a dataset has other classes than the network was trained for."""
    if card_legend.names != manifest.legend.names:
        raise DatasetError(
            f"dataset '{manifest.dataset}' has the classes {', '.join(manifest.legend.names)}, the checkpoint knows "
            f"{', '.join(card_legend.names)}; evaluate on a dataset with the checkpoint's classes"
        )
