"""Window context: every window is predicted by itself, and overlaps are blended. What everybody does."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from manet.errors import OptionError
from manet.prediction.augment import probabilities_of
from manet.prediction.blend import blend
from manet.prediction.predictor import Done, Floats, Predicted, Predictor, ignore
from manet.prediction.prefetch import prefetch
from manet.prediction.settings import OVERLAP, WINDOW, Augmentation
from manet.prediction.summary_tree import SummaryFile
from manet.raster.scene import Scene
from manet.raster.windows import Window, count_starts, grid
from manet.runtime.protocol import Runtime

LEAST = 32
"""Height and width of a window at least, pixels."""


class WindowContext(Predictor):
    """Windows of one size; neighbours share a number of pixels. Windows without a valid pixel are not computed."""

    def __init__(
        self,
        runtime: Runtime,
        classes: int,
        window: int = WINDOW,
        overlap: int = OVERLAP,
        augmentation: Augmentation = "none",
    ) -> None:
        """Raises OptionError where window and overlap are not as they must be."""
        if window < LEAST or not 0 <= overlap < window:
            raise OptionError(
                f"got a window of {window} and an overlap of {overlap} pixels; "
                f"expected a window of at least {LEAST}, and an overlap smaller than it"
            )
        self.runtime, self.count = runtime, classes
        self.augmentation: Augmentation = augmentation
        self.window, self._overlap = window, overlap

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
        computed = prefetch(self._window, prefetch(scene.read, windows))
        for index, (window, probabilities) in enumerate(zip(windows, computed, strict=True)):
            yield window, probabilities
            done(before + index + 1)

    def _window(self, read: tuple[NDArray[np.generic], NDArray[np.bool_]]) -> Floats | None:
        image, valid = read
        if not valid.any():
            return None
        images, weight = to_batch(image, valid)
        probabilities = probabilities_of(self.runtime, images, weight, self.augmentation)[0]
        return probabilities if weight is None else probabilities * valid


def to_batch(image: NDArray[np.generic], valid: NDArray[np.bool_]) -> tuple[Floats, Floats | None]:
    """An image as a batch of one: images (1, bands, height, width), and valid (1, 1, height, width), None where every
    pixel is valid."""
    images = np.where(valid, image, 0).astype(np.float32)[None]
    return images, None if valid.all() else valid.astype(np.float32)[None, None]
