"""The map of a scene of any size, exactly as if it fitted into memory.

Attention reads the scene through summaries alone, and summaries merge. Pass one encodes the scene window by window and
merges the summaries of every module; pass two refines with the scene's summaries and decodes. Each window is read with
a halo, so that the convolutions near its edges see what they would see in the whole scene.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from manet.attention import Place
from manet.errors import SceneError
from manet.legend import IGNORED
from manet.prediction.ahead import ahead
from manet.prediction.predict import Advance, to_tensors
from manet.raster.scene import Scene
from manet.raster.windows import Window

Summaries = list[tuple[Tensor, ...]]


class SceneNetwork(Protocol):
    """A network whose view of the whole map is a summary."""

    stride: int

    def locate(self, place: Any) -> None: ...
    def pad(self, images: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor | None]: ...
    def encode(self, images: Tensor, valid: Tensor | None = None) -> list[Tensor]: ...
    def summarise(self, features: Sequence[Tensor], valid: Tensor | None = None) -> Summaries: ...
    def merge(self, a: Sequence[tuple[Tensor, ...]], b: Sequence[tuple[Tensor, ...]]) -> Summaries: ...
    def refine(self, features: Sequence[Tensor], summaries: Sequence[tuple[Tensor, ...]]) -> list[Tensor]: ...
    def decode(self, features: Sequence[Tensor]) -> Tensor: ...


@dataclass(frozen=True)
class HaloTiling:
    """How a scene is cut: the network sees `window` pixels, of which the outer `halo` pixels are context only."""

    window: int = 1024
    halo: int = 192

    def cores(self, area: Window, stride: int) -> list[tuple[Window, Window]]:
        """Pairs of what a window decides and what it sees. Both begin at multiples of the stride from the area's
        corner, and what is seen ends at the area's edge, where the whole scene would end too.

        Raises SceneError where halo and window leave nothing to decide.
        """
        core = (self.window - 2 * self.halo) // stride * stride
        if core < stride or self.halo % stride:
            raise SceneError(
                f"got a window of {self.window} and a halo of {self.halo} pixels; "
                f"expected a halo that is a multiple of {stride} and a window of at least {2 * self.halo + stride}"
            )
        pairs = []
        for row in range(0, area.height, core):
            for col in range(0, area.width, core):
                decided = Window(area.row + row, area.col + col, core, core).intersect(area)
                side = core + 2 * self.halo
                seen = Window(area.row + row - self.halo, area.col + col - self.halo, side, side).intersect(area)
                assert decided is not None and seen is not None
                pairs.append((decided, seen))
        return pairs


class SceneContext:
    """Predicts areas of scenes with the summaries of the whole area."""

    def __init__(
        self, network: SceneNetwork, tiling: HaloTiling, device: torch.device, cache_bytes: int = 2 * 1024**3
    ) -> None:
        """cache_bytes: memory for features that are kept between the passes; the others are computed twice."""
        self.network, self.tiling, self.device, self.cache_bytes = network, tiling, device, cache_bytes

    @property
    def overlap(self) -> int:
        return 2 * self.tiling.halo

    def windows(self, area: Window) -> int:
        """How often `advance` is called for an area."""
        return 2 * len(self.tiling.cores(area, self.network.stride))

    @torch.inference_mode()
    def predict(
        self, scene: Scene, area: Window, advance: Advance = lambda windows: None
    ) -> Iterator[tuple[Window, NDArray[np.uint8]]]:
        """Class indices of an area, piece by piece; IGNORED where a pixel is not valid."""
        for decided, probabilities, valid in self.probabilities(scene, area, advance):
            prediction = probabilities.argmax(axis=0).astype(np.uint8)
            prediction[~valid] = IGNORED
            yield decided, prediction

    @torch.inference_mode()
    def probabilities(
        self, scene: Scene, area: Window, advance: Advance = lambda windows: None
    ) -> Iterator[tuple[Window, NDArray[np.float32], NDArray[np.bool_]]]:
        """Probabilities (classes, height, width) and valid pixels (height, width) of an area, piece by piece."""
        pairs = self.tiling.cores(area, self.network.stride)
        tree, cache, free = _Tree(self.network), {}, self.cache_bytes
        for index, (image, valid) in enumerate(ahead(scene.read(seen) for _, seen in pairs)):
            decided, seen = pairs[index]
            if valid[decided.within(seen).slices].any():
                features, weight = self._encode(image, valid)
                self._locate(decided, area)
                tree.add(self._summarise(features, weight, decided, seen))
                size = sum(f.numel() * f.element_size() for f in features)
                if size <= free:
                    cache[index], free = (features, valid), free - size
            else:
                cache[index] = (None, valid)
            advance(1)
        summaries = tree.total()
        unread = [index for index in range(len(pairs)) if index not in cache]
        later = ahead(scene.read(pairs[index][1]) for index in unread)
        for index, (decided, seen) in enumerate(pairs):
            if index in cache:
                features, valid = cache.pop(index)
            else:
                image, valid = next(later)
                features, _ = self._encode(image, valid)
            rows, columns = decided.within(seen).slices
            inside = valid[rows, columns]
            if features is not None and summaries is not None:
                self._locate(seen, area)
                logits = self.network.decode(self.network.refine(features, summaries))
                values = logits[0, :, rows, columns].float().softmax(dim=0).cpu().numpy()
                yield decided, values, inside
            advance(1)
        self.network.locate(None)

    def _locate(self, window: Window, area: Window) -> None:
        """Where in the area the next features lie: (row, col, the area's height and width)."""
        inside = window.within(area)
        self.network.locate(Place(inside.row, inside.col, area.height, area.width))

    def _encode(self, image: NDArray[np.generic], valid: NDArray[np.bool_]) -> tuple[list[Tensor], Tensor | None]:
        images, weight = self.network.pad(*to_tensors(image, valid, self.device))
        return self.network.encode(images, weight), weight

    def _summarise(self, features: list[Tensor], weight: Tensor | None, decided: Window, seen: Window) -> Summaries:
        """Of the part that the window decides alone, so that every position of the scene counts once."""
        inner = decided.within(seen)
        height, width = (
            -(-length // self.network.stride) * self.network.stride for length in (inner.height, inner.width)
        )
        parts = []
        for feature in features:
            stride = self._stride_of(feature, seen)
            rows = slice(inner.row // stride, (inner.row + height) // stride)
            columns = slice(inner.col // stride, (inner.col + width) // stride)
            parts.append(feature[..., rows, columns])
        if weight is not None:
            weight = weight[..., inner.row : inner.row + height, inner.col : inner.col + width]
        return self.network.summarise(parts, weight)

    def _stride_of(self, feature: Tensor, seen: Window) -> int:
        padded = -(-seen.height // self.network.stride) * self.network.stride
        return padded // feature.shape[2]


class _Tree:
    """Merges summaries pair by pair in float64, in an order that the grid of windows alone decides."""

    def __init__(self, network: SceneNetwork) -> None:
        self.network = network
        self.levels: list[Summaries | None] = []

    def add(self, summaries: Summaries) -> None:
        carried = [tuple(part.double() for part in summary) for summary in summaries]
        for level, waiting in enumerate(self.levels):
            if waiting is None:
                self.levels[level] = carried
                return
            carried = self.network.merge(waiting, carried)
            self.levels[level] = None
        self.levels.append(carried)

    def total(self) -> Summaries | None:
        """The summaries of everything that was added; None where nothing was."""
        total: Summaries | None = None
        for waiting in self.levels:
            if waiting is not None:
                total = waiting if total is None else self.network.merge(waiting, total)
        return total
