"""The calibration of a network on the areas of a split, counted while they are predicted."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.datasets.manifest import Manifest
from manet.evaluation.calibration import CalibrationCounts
from manet.evaluation.counting import open_labels, read_labels
from manet.evaluation.protocol import LabelVersion
from manet.prediction.predictor import Floats
from manet.raster.scene import Scene
from manet.raster.windows import Window


class Reliability:
    """Counts how confidence and accuracy go together, against each version of the labels."""

    def __init__(self, folder: Path, manifest: Manifest, versions: Sequence[LabelVersion]) -> None:
        """Find the labels of every scene.

        Args:
            folder: Folder of the prepared dataset.
            manifest: The dataset's manifest.
            versions: Of the labels.
        """
        self.folder, self.manifest = folder, manifest
        self.entries = {str(folder / entry.image): entry for entry in manifest.scenes}
        self.counts: dict[LabelVersion, CalibrationCounts] = {version: CalibrationCounts() for version in versions}

    def add(self, scene: Scene, window: Window, classes: NDArray[np.uint8], probabilities: Floats) -> None:
        """Count a window of a scene that was predicted."""
        for version, counts in self.counts.items():
            with open_labels(self.folder, self.manifest, self.entries[scene.path], version) as labels:
                counts.add(read_labels(labels, window, self.manifest.legend), classes, probabilities)
