"""Window context: every window is predicted by itself, and overlaps are blended. What everybody does."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from manet.errors import OptionError
from manet.prediction.augment import probabilities_of
from manet.prediction.blend import blend
from manet.prediction.predictor import Done, Floats, Predicted, Predictor, ignore
from manet.prediction.prefetch import prefetch
from manet.prediction.settings import OVERLAP, WINDOW, Augmentation
from manet.prediction.summary_tree import SummaryFile
from manet.progress import QUIET, Progress
from manet.raster.scene import Scene
from manet.raster.windows import Window, count_starts, grid
from manet.runtime.protocol import Runtime

LEAST = 32
"""Height and width of a window at least, pixels."""

Read = tuple[NDArray[np.generic], NDArray[np.bool_]]
"""The image of a window, and which of its pixels are valid."""


class WindowContext(Predictor):
    """Windows of one size; neighbours share a number of pixels. Windows without a valid pixel are not computed."""

    def __init__(
        self,
        runtime: Runtime,
        classes: int,
        window: int = WINDOW,
        overlap: int = OVERLAP,
        augmentation: Augmentation = "none",
        batch: int = 1,
        progress: Progress = QUIET,
    ) -> None:
        """batch: windows that are computed at once. progress: is warned if that is too many for the device's memory.

        Raises OptionError where window and overlap are not as they must be.
        """
        if window < LEAST or not 0 <= overlap < window:
            raise OptionError(
                f"got a window of {window} and an overlap of {overlap} pixels; "
                f"expected a window of at least {LEAST}, and an overlap smaller than it"
            )
        self.runtime, self.count = runtime, classes
        self.augmentation: Augmentation = augmentation
        self.window, self._overlap = window, overlap
        self.batch, self._progress, self._shrunk = batch, progress, False

    @property
    def overlap(self) -> int:
        return self._overlap

    def steps(self, region: Window) -> int:
        step = self.window - self._overlap
        return count_starts(region.height, self.window, step) * count_starts(region.width, self.window, step)

    def windows(self, region: Window) -> list[Window]:
        """The windows that cover a region, row by row."""
        return grid(region, self.window, self.window - self._overlap)

    def strips(
        self, scene: Scene, region: Window, done: Done = ignore, *, finished: int = 0, sums: SummaryFile | None = None
    ) -> Iterator[Predicted]:
        """A strip for each row of windows; those reaching from a finished strip into a later one are computed again."""
        windows = self.windows(region)
        rows = sorted({window.row for window in windows})
        left = [w for w in windows if finished < len(rows) and w.bottom > rows[finished]]
        if not left:
            done(len(windows))
            return
        first = rows.index(left[0].row)
        for found in blend(
            self._probabilities(scene, left, len(windows) - len(left), done), region, self.count, self._overlap
        ):
            if first + found.strip >= finished:
                yield found._replace(strip=first + found.strip)

    def _probabilities(
        self, scene: Scene, windows: list[Window], before: int, done: Done
    ) -> Iterator[tuple[Window, Floats | None]]:
        """Of each window, all 0 where a pixel is not valid; None for a window without a valid pixel."""
        done(before)
        # one thread reads, another computes, and this one blends
        groups = _grouped(prefetch(scene.read, windows, max(2, self.batch)), self.batch)
        left = iter(windows)
        for group in prefetch(self._computed, groups):
            for probabilities in group:
                yield next(left), probabilities
                before += 1
                done(before)

    def _computed(self, group: list[Read]) -> list[Floats | None]:
        """Of each window of a group; a device without memory left is answered once, by half the batch."""
        found: list[Floats | None] = [None] * len(group)
        left = [index for index, (_, valid) in enumerate(group) if valid.any()]
        while left:
            now = left[: self.batch]
            try:
                computed = self._together([group[index] for index in now])
            except Exception as error:
                if not self.runtime.out_of_memory(error):
                    raise
                self._shrink(error)
                continue
            for index, probabilities in zip(now, computed, strict=True):
                found[index] = probabilities
            left = left[len(now) :]
        return found

    def _together(self, group: list[Read]) -> list[Floats]:
        images, weights = zip(*(to_batch(image, valid) for image, valid in group), strict=True)
        if len(group) == 1:
            probabilities = probabilities_of(self.runtime, images[0], weights[0], self.augmentation)
        else:
            weight = None
            if any(weight is not None for weight in weights):
                weight = np.stack([valid.astype(np.float32)[None] for _, valid in group])
            probabilities = probabilities_of(self.runtime, np.concatenate(images), weight, self.augmentation)
        return [
            one if weight is None else one * valid
            for one, weight, (_, valid) in zip(probabilities, weights, group, strict=True)
        ]

    def _shrink(self, error: Exception) -> None:
        """Halve the batch. Raises OptionError where that was done before, or there is nothing to halve."""
        device, window = self.runtime.device_name, f"{self.window} x {self.window} pixels"
        if self._shrunk or self.batch == 1:
            raise OptionError(
                f"{self.batch} windows of {window} do not fit into the memory of {device}; give smaller windows",
                option="window",
            ) from error
        self._shrunk, before, self.batch = True, self.batch, self.batch // 2
        self._progress.warn(
            f"{before} windows of {window} do not fit into the memory of {device}; going on with {self.batch} at a time"
        )


def _grouped(reads: Iterator[Read], size: int) -> Iterator[list[Read]]:
    while group := list(islice(reads, size)):
        yield group


def to_batch(image: NDArray[np.generic], valid: NDArray[np.bool_]) -> tuple[Floats, Floats | None]:
    """An image as a batch of one: images (1, bands, height, width), and valid (1, 1, height, width), None where every
    pixel is valid."""
    images = np.where(valid, image, 0).astype(np.float32)[None]
    return images, None if valid.all() else valid.astype(np.float32)[None, None]
