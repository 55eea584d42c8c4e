"""The map of a scene, window by window."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from manet.errors import SceneError
from manet.legend import IGNORED
from manet.prediction.ahead import ahead
from manet.prediction.blend import Floats, blend
from manet.raster.scene import Scene
from manet.raster.windows import Window, grid

Predictor = Callable[[Tensor, Tensor | None], Tensor]
"""images (batch, bands, height, width), valid (batch, 1, height, width) -> logits (batch, classes, height, width)."""

Advance = Callable[[int], None]
"""Called with the number of windows done."""


@dataclass(frozen=True)
class Tiling:
    """How a scene is cut: windows of `window` pixels that overlap by `overlap`."""

    window: int = 512
    overlap: int = 64

    def __post_init__(self) -> None:
        if self.window < 32 or not 0 <= self.overlap < self.window:
            raise SceneError(
                f"got a window of {self.window} and an overlap of {self.overlap} pixels; "
                "expected a window of at least 32, and an overlap smaller than it"
            )

    def windows(self, area: Window) -> list[Window]:
        return grid(area, self.window, self.window - self.overlap)


def predict(
    network: Predictor,
    scene: Scene,
    area: Window,
    classes: int,
    tiling: Tiling,
    device: torch.device,
    advance: Advance = lambda windows: None,
) -> Iterator[tuple[Window, NDArray[np.uint8]]]:
    """Class indices of an area of a scene, piece by piece; IGNORED where a pixel is not valid.

    Every window is predicted by itself; where windows overlap, their probabilities are blended. Windows without a
    valid pixel are not computed.
    """
    parts = _probabilities(network, scene, area, tiling, device, advance)
    for piece, probabilities in blend(parts, area, classes, tiling.overlap):
        prediction = probabilities.argmax(axis=0).astype(np.uint8)
        prediction[~probabilities.any(axis=0)] = IGNORED
        yield piece, prediction


def _probabilities(
    network: Predictor, scene: Scene, area: Window, tiling: Tiling, device: torch.device, advance: Advance
) -> Iterator[tuple[Window, Floats | None]]:
    """Of each window, all 0 where a pixel is not valid; None for a window without a valid pixel."""
    windows = tiling.windows(area)
    for window, (image, valid) in zip(windows, ahead(scene.read(window) for window in windows), strict=True):
        yield window, _window_probabilities(network, image, valid, device) if valid.any() else None
        advance(1)


@torch.inference_mode()
def _window_probabilities(
    network: Predictor, image: NDArray[np.generic], valid: NDArray[np.bool_], device: torch.device
) -> Floats:
    logits = network(*to_tensors(image, valid, device))
    return logits.float().softmax(dim=1)[0].cpu().numpy() * valid


def to_tensors(
    image: NDArray[np.generic], valid: NDArray[np.bool_], device: torch.device
) -> tuple[Tensor, Tensor | None]:
    """Image (1, bands, height, width) and valid (1, 1, height, width), None where every pixel is valid."""
    images = torch.from_numpy(np.where(valid, image, 0).astype(np.float32)).unsqueeze(0).to(device)
    return images, None if valid.all() else torch.from_numpy(valid.astype(np.float32))[None, None].to(device)
