"""The two ways to cut a scene, behind one face."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from manet.prediction.halo import measure_halo
from manet.prediction.predict import Advance, Predictor, Tiling, predict, to_tensors
from manet.prediction.scene_context import HaloTiling, SceneContext, SceneNetwork
from manet.raster.scene import Scene
from manet.raster.windows import Window

Context = Literal["window", "scene"]
MEASURED_ON = 768
"""Height and width of the middle of a scene that a halo is measured on."""


class AreaPredictor(Protocol):
    """Predicts areas of scenes, piece by piece."""

    @property
    def overlap(self) -> int:
        """Pixels that neighbouring windows share."""
        ...

    def windows(self, area: Window) -> int:
        """How often `advance` is called for an area."""
        ...

    def predict(self, scene: Scene, area: Window, advance: Advance) -> Iterator[tuple[Window, NDArray[np.uint8]]]:
        """Class indices; IGNORED where a pixel is not valid."""
        ...


@dataclass(frozen=True)
class WindowContext:
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

    def predict(self, scene: Scene, area: Window, advance: Advance) -> Iterator[tuple[Window, NDArray[np.uint8]]]:
        return predict(self.network, scene, area, self.classes, self.tiling, self.device, advance)


def halo_of(network: SceneNetwork, scene: Scene, area: Window, device: torch.device) -> int:
    """The halo measured on the middle of an area of a scene."""
    side = min(MEASURED_ON, area.height, area.width) // network.stride * network.stride
    row, col = area.row + (area.height - side) // 2, area.col + (area.width - side) // 2
    image, valid = scene.read(Window(row, col, side, side))
    return measure_halo(network, to_tensors(image, valid, device)[0])


__all__ = ["AreaPredictor", "Context", "HaloTiling", "SceneContext", "WindowContext", "halo_of"]
