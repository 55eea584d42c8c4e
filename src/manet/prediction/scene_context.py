"""The map of a scene of any size, exactly as if it fitted into memory.

Attention reads the scene through summaries alone, and summaries merge. Pass one encodes the scene window by window and
merges the summaries of every module; pass two refines with the scene's summaries and decodes. Each window is read with
a halo, so that the convolutions near its edges see what they would see in the whole scene.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from manet.attention import Place
from manet.errors import SceneError
from manet.prediction.predict import to_tensors
from manet.prediction.predictor import Advance, AreaPredictor, Floats, Strip, ignore
from manet.prediction.prefetch import ahead
from manet.prediction.summary_tree import Summaries, SumsFile, Tree
from manet.raster.scene import Scene
from manet.raster.windows import Window

Pair = tuple[Window, Window]
"""What a window decides, and what it sees."""

Kept = tuple[list[Tensor], NDArray[np.bool_]]
"""The features and the valid pixels of what a window sees."""


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

    def cores(self, area: Window, stride: int) -> list[Pair]:
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


class SceneContext(AreaPredictor):
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
        return 2 * len(self.tiling.cores(area, self.network.stride))

    def strips(
        self, scene: Scene, area: Window, advance: Advance = ignore, *, finished: int = 0, sums: SumsFile | None = None
    ) -> Iterator[Strip]:
        """A strip for each row of windows. Pixels of windows without a valid one are in no piece."""
        pairs = self.tiling.cores(area, self.network.stride)
        rows = [list(row) for _, row in groupby(range(len(pairs)), key=lambda index: pairs[index][0].row)]
        tree = Tree(self.network)
        done = sums.load(tree, self.device) if sums is not None else 0
        advance(done + sum(map(len, rows[:finished])))
        kept = self._sum(tree, scene, area, pairs, done, advance, sums)
        summaries = tree.total()
        unread = [pairs[index][1] for row in rows[finished:] for index in row if index not in kept]
        later = ahead(scene.read(seen) for seen in unread)

        def strip(row: list[int]) -> Strip:
            for index in row:
                decided, seen = pairs[index]
                features, valid = kept.pop(index) if index in kept else self._encode_valid(*next(later), decided, seen)
                if features is not None and summaries is not None:
                    inside = valid[decided.within(seen).slices]
                    yield decided, self._decide(features, summaries, decided, seen, area) * inside
                advance(1)

        yield from (strip(row) for row in rows[finished:])
        self.network.locate(None)

    @torch.inference_mode()
    def _sum(
        self,
        tree: Tree,
        scene: Scene,
        area: Window,
        pairs: list[Pair],
        done: int,
        advance: Advance,
        sums: SumsFile | None,
    ) -> dict[int, Kept]:
        """Pass one: adds what the tree does not hold yet; the features that are kept."""
        kept: dict[int, Kept] = {}
        free = self.cache_bytes
        for index, (image, valid) in enumerate(ahead(scene.read(seen) for _, seen in pairs[done:]), done):
            decided, seen = pairs[index]
            if valid[decided.within(seen).slices].any():
                features, weight = self._encode(image, valid)
                self._locate(decided, area)
                tree.add(self._summarise(features, weight, decided, seen))
                size = sum(f.numel() * f.element_size() for f in features) + valid.nbytes
                if size <= free:
                    kept[index], free = (features, valid), free - size
            advance(1)
            if sums is not None:
                sums.save(tree, index + 1, now=index + 1 == len(pairs))
        return kept

    def _encode_valid(
        self, image: NDArray[np.generic], valid: NDArray[np.bool_], decided: Window, seen: Window
    ) -> tuple[list[Tensor] | None, NDArray[np.bool_]]:
        """No features where the window decides no valid pixel."""
        return self._encode(image, valid)[0] if valid[decided.within(seen).slices].any() else None, valid

    @torch.inference_mode()
    def _decide(
        self, features: list[Tensor], summaries: Summaries, decided: Window, seen: Window, area: Window
    ) -> Floats:
        """Pass two: probabilities of what a window decides."""
        self._locate(seen, area)
        logits = self.network.decode(self.network.refine(features, summaries))
        return logits[0, :, *decided.within(seen).slices].float().softmax(dim=0).cpu().numpy()

    def _locate(self, window: Window, area: Window) -> None:
        """Where in the area the next features lie: (row, col, the area's height and width)."""
        inside = window.within(area)
        self.network.locate(Place(inside.row, inside.col, area.height, area.width))

    @torch.inference_mode()
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
