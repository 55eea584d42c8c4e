"""Scene context: the map of a scene of any size, exactly as if it fitted into memory.

Attention reads the scene through summaries only, and summaries merge. Pass one encodes the scene window by window and
merges the summaries of every module; pass two refines with the scene's summaries and decodes. Each window is read with
a halo, so that the convolutions near its edges see what they would see in the whole scene.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from manet.errors import OptionError
from manet.prediction.predictor import Done, Floats, Predicted, Predictor, ignore
from manet.prediction.prefetch import prefetch
from manet.prediction.softmax import softmax
from manet.prediction.summary_tree import Summaries, SummaryFile, SummaryTree
from manet.prediction.window_context import to_batch
from manet.raster.scene import Scene
from manet.raster.windows import Place, Window
from manet.runtime.protocol import Features, Runtime, pad_to_stride

Valid = NDArray[np.bool_]


@dataclass(frozen=True)
class Core:
    """A window of pass one and two: what it decides, and what it sees."""

    decided: Window
    seen: Window

    @property
    def inner(self) -> Window:
        """What is decided, from the corner of what is seen."""
        return self.decided.within(self.seen)


def cores(region: Window, window: int, halo: int, stride: int) -> list[Core]:
    """The windows that cover a region, row by row.

    Both what is decided and what is seen begin at multiples of the stride from the region's corner, and what is seen
    ends at the region's edge, where the whole region would end too.

    Args:
        region: What is covered.
        window: Height and width of what is seen at most, pixels.
        halo: Outer pixels of it that are context only, a multiple of the stride.
        stride: Of the network's coarsest features, pixels.

    Raises:
        OptionError: Halo and window leave nothing to decide.
    """
    core = (window - 2 * halo) // stride * stride
    if core < stride or halo % stride:
        raise OptionError(
            f"got a window of {window} and a halo of {halo} pixels; "
            f"expected a halo that is a multiple of {stride} and a window of at least {2 * halo + stride}"
        )
    found = []
    for row in range(0, region.height, core):
        for col in range(0, region.width, core):
            decided = Window(region.row + row, region.col + col, core, core).intersect(region)
            side = core + 2 * halo
            seen = Window(region.row + row - halo, region.col + col - halo, side, side).intersect(region)
            assert decided is not None and seen is not None
            found.append(Core(decided, seen))
    return found


class SceneContext(Predictor):
    """Predicts windows of scenes with the summaries of the whole region."""

    def __init__(self, runtime: Runtime, classes: int, window: int, halo: int, cache_bytes: int = 2 << 30) -> None:
        """cache_bytes: memory for features that are kept between the passes; the others are computed twice."""
        self.runtime, self.count, self.cache_bytes = runtime, classes, cache_bytes
        self.window, self.halo = window, halo

    @property
    def overlap(self) -> int:
        return 2 * self.halo

    def steps(self, region: Window) -> int:
        return 2 * len(self.cores(region))

    def cores(self, region: Window) -> list[Core]:
        return cores(region, self.window, self.halo, self.runtime.stride)

    def strips(
        self, scene: Scene, region: Window, done: Done = ignore, *, finished: int = 0, sums: SummaryFile | None = None
    ) -> Iterator[Predicted]:
        """A strip for each row of windows."""
        windows = self.cores(region)
        rows = [list(row) for _, row in groupby(range(len(windows)), key=lambda index: windows[index].decided.row)]
        left = [(number, index) for number, row in enumerate(rows) for index in row if number >= finished]
        before = len(windows) - len(left)
        tree = SummaryTree(self.runtime)
        summed = sums.load(tree) if sums is not None else 0
        kept, free = dict[int, tuple[Features, Valid]](), self.cache_bytes
        done(before + summed)
        for index, features, valid in self._encoded(scene, windows, range(summed, len(windows))):
            if features is not None:
                tree.add(self._summarise(features, valid, windows[index], region))
                size = sum(feature.nbytes for feature in features) + valid.nbytes
                if size <= free:
                    kept[index], free = (features, valid), free - size
            done(before + index + 1)
            if sums is not None:
                sums.save(tree, index + 1, now=index + 1 == len(windows))
        summaries = tree.total()
        again = self._encoded(scene, windows, [index for _, index in left if index not in kept])
        ends = {row[-1] for row in rows}
        for step, (number, index) in enumerate(left, before + len(windows) + 1):
            features, valid = kept.pop(index) if index in kept else next(again)[1:]
            probabilities = self._decide(features, valid, summaries, windows[index], region)
            yield Predicted(number, windows[index].decided, probabilities, last=index in ends)
            done(step)

    def _encoded(
        self, scene: Scene, windows: list[Core], indexes: range | list[int]
    ) -> Iterator[tuple[int, Features | None, Valid]]:
        """The features of what windows see; None where a window decides no valid pixel."""
        images = prefetch(lambda index: scene.read(windows[index].seen), indexes)
        for index, (image, valid) in zip(indexes, images, strict=True):
            inside = valid[windows[index].inner.slices]
            yield index, self.runtime.encode(*self._batch(image, valid)) if inside.any() else None, valid

    def _batch(self, image: NDArray[np.generic], valid: Valid) -> tuple[Floats, Floats | None]:
        return pad_to_stride(*to_batch(image, valid), self.runtime.stride)

    def _summarise(self, features: Features, valid: Valid, window: Core, region: Window) -> Summaries:
        """Of what the window decides only, so that every position of the scene counts once."""
        inner, stride = window.inner, self.runtime.stride
        height, width = (-(-length // stride) * stride for length in (inner.height, inner.width))
        parts = []
        for feature in features:
            own = -(-window.seen.height // stride) * stride // feature.shape[2]
            rows = slice(inner.row // own, (inner.row + height) // own)
            columns = slice(inner.col // own, (inner.col + width) // own)
            parts.append(feature[..., rows, columns])
        weight = self._batch(valid[None], valid)[1]
        if weight is not None:
            weight = np.ascontiguousarray(weight[..., inner.row : inner.row + height, inner.col : inner.col + width])
        return self.runtime.summarise(parts, weight, _place(window.decided, region))

    def _decide(
        self, features: Features | None, valid: Valid, summaries: Summaries | None, window: Core, region: Window
    ) -> Floats:
        """Pass two: the probabilities of what a window decides."""
        inner = window.inner
        if features is None or summaries is None:
            return np.broadcast_to(np.float32(0), (self.count, inner.height, inner.width))
        logits = self.runtime.decode(self.runtime.refine(features, summaries, _place(window.seen, region)))
        return softmax(np.ascontiguousarray(logits[..., *inner.slices]))[0] * valid[inner.slices]


def _place(window: Window, region: Window) -> Place:
    inside = window.within(region)
    return Place(inside.row, inside.col, region.height, region.width)
