"""The scenes of a split, adapted and predicted as they are when they are mapped."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.card import Card
from manet.datasets.manifest import Manifest, Split
from manet.evaluation.protocol import PredictionProtocol
from manet.evaluation.scoring import areas_of
from manet.model import Model
from manet.prediction.adapt import Adapted, adapt_as_set, tell
from manet.prediction.build_predictor import build_predictor
from manet.prediction.predictor import Floats, classes_of
from manet.prediction.settings import PredictionSettings
from manet.progress import Progress
from manet.raster.scene import Scene
from manet.raster.windows import Window

Watch = Callable[[Scene, Window, NDArray[np.uint8], Floats], None]
"""Takes a scene, a window of it, its class indices (height, width) and its probabilities (classes, height, width)."""


@dataclass(frozen=True)
class AdaptedSplit:
    """The scenes of a split as a network takes them."""

    scenes: dict[str, Adapted]
    """By the path of the image."""
    areas: tuple[tuple[Adapted, Window], ...]
    """In the manifest's order: the scene, and the window of it on its own grid."""

    @property
    def changes(self) -> tuple[str, ...]:
        """What was done to any of the scenes, in words, each once."""
        return tuple(dict.fromkeys(line for adapted in self.scenes.values() for line in adapted.changes))


def adapt_split(
    card: Card, folder: Path, manifest: Manifest, split: Split, settings: PredictionSettings, progress: Progress
) -> AdaptedSplit:
    """Adapt every scene of a split before the first is predicted, and say once what was done.

    Raises:
        DatasetError: There is no such split.
        SceneError: A scene lacks bands that the network takes, or has values that its number type cannot hold.
    """
    scenes: dict[str, Adapted] = {}
    areas: list[tuple[Adapted, Window]] = []
    for area in areas_of(manifest, split):
        path = str(folder / manifest.scene(area.scene).image)
        if path not in scenes:
            with Scene(path) as scene:
                scenes[path] = adapt_as_set(scene, card, settings)
        areas.append((scenes[path], area.window))
    tell(scenes.values(), progress)
    return AdaptedSplit(scenes, tuple(areas))


class SplitPredictor:
    """Predicts the areas of a split one after the other, and counts their windows together."""

    def __init__(
        self, model: Model, settings: PredictionSettings, split: AdaptedSplit, name: str, progress: Progress
    ) -> None:
        """Decide on the window, and with scene context on the halo, by the split's first area.

        Args:
            model: Of `manet.load`.
            settings: How to predict.
            split: The scenes and areas.
            name: What `progress` is told that is done.
            progress: Is told of every window.
        """
        self.scenes, self.name, self.progress = split.scenes, name, progress
        first, region = split.areas[0]
        with first.seen as seen:
            self.predictor = build_predictor(
                model.runtime, model.card, settings, seen, first.seen_window(region), progress
            )
        self.total = sum(adapted.on_own_grid(self.predictor).steps(window) for adapted, window in split.areas)
        self.before = 0
        self.watch: Watch | None = None
        """Is given every window that is predicted."""
        self.protocol = PredictionProtocol(
            window=self.predictor.window,
            overlap=self.predictor.overlap,
            augmentation=settings.augmentation,
            context=settings.context,
            adapted=split.changes,
        )

    def __call__(self, scene: Scene, region: Window) -> Iterator[tuple[Window, NDArray[np.uint8]]]:
        """The class indices of an area of a scene, window by window; IGNORED where a pixel is not valid."""
        adapted = self.scenes[scene.path]
        predictor = adapted.on_own_grid(self.predictor)
        with adapted.own as own, adapted.seen:
            for found in predictor.strips(
                own, region, lambda done: self.progress.count(self.name, self.before + done, self.total)
            ):
                classes = classes_of(found.probabilities)
                if self.watch is not None:
                    self.watch(scene, found.window, classes, found.probabilities)
                yield found.window, classes
        self.before += predictor.steps(region)
