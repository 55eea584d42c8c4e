"""Probabilities of a scene, every window by itself."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from manet.errors import SceneError
from manet.prediction.blend import blend
from manet.prediction.predictor import Advance, Floats, Strip, ignore
from manet.prediction.prefetch import ahead
from manet.raster.scene import Scene
from manet.raster.windows import Window, grid

Predictor = Callable[[Tensor, Tensor | None], Tensor]
"""images (batch, bands, height, width), valid (batch, 1, height, width) -> logits (batch, classes, height, width)."""


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


def strips(
    network: Predictor,
    scene: Scene,
    area: Window,
    classes: int,
    tiling: Tiling,
    device: torch.device,
    advance: Advance = ignore,
    finished: int = 0,
) -> Iterator[Strip]:
    """Probabilities of an area of a scene: a strip for each row of windows, without the first `finished` ones.

    Every window is predicted by itself; where windows overlap, their probabilities are blended. Windows without a
    valid pixel are not computed. Windows that reach from a finished strip into a later one are computed again.
    """
    windows = tiling.windows(area)
    rows = sorted({window.row for window in windows})
    left = [w for w in windows if finished < len(rows) and w.bottom > rows[finished]]
    advance(len(windows) - len(left))
    parts = _probabilities(network, scene, left, device, advance)
    blended = blend(parts, area, classes, tiling.overlap)
    for row, strip in zip(sorted({window.row for window in left}), blended, strict=True):
        if row < rows[finished]:
            for _ in strip:
                pass
        else:
            yield strip


def _probabilities(
    network: Predictor, scene: Scene, windows: list[Window], device: torch.device, advance: Advance
) -> Iterator[tuple[Window, Floats | None]]:
    """Of each window, all 0 where a pixel is not valid; None for a window without a valid pixel."""
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
