"""The two ways to cut a scene, behind one face."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch

from manet.prediction.predict import Predictor, Tiling, strips, to_tensors
from manet.prediction.predictor import Advance, AreaPredictor, Strip, ignore
from manet.prediction.scene_context import HaloTiling, SceneContext, SceneNetwork
from manet.prediction.summary_tree import SumsFile
from manet.raster.scene import Scene
from manet.raster.windows import Window

Context = Literal["window", "scene"]
MEASURED_ON = 768
"""Height and width of the middle of a scene that a halo is measured on."""


@dataclass(frozen=True)
class WindowContext(AreaPredictor):
    """Every window by itself, overlaps blended: what everybody does."""

    network: Predictor
    classes: int
    tiling: Tiling
    device: torch.device

    @property
    def overlap(self) -> int:
        return self.tiling.overlap

    def windows(self, area: Window) -> int:
        return len(self.tiling.windows(area))

    def strips(
        self, scene: Scene, area: Window, advance: Advance = ignore, *, finished: int = 0, sums: SumsFile | None = None
    ) -> Iterator[Strip]:
        return strips(self.network, scene, area, self.classes, self.tiling, self.device, advance, finished)


def middle_of(network: SceneNetwork, scene: Scene, area: Window, device: torch.device) -> torch.Tensor:
    """The middle of an area of a scene, to measure a halo on."""
    side = min(MEASURED_ON, area.height, area.width) // network.stride * network.stride
    image, valid = scene.read(area.middle(side, side))
    return to_tensors(image, valid, device)[0]


__all__ = ["AreaPredictor", "Context", "HaloTiling", "SceneContext", "WindowContext"]
