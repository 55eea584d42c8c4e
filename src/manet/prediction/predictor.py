"""What predicts a part of a scene: probabilities window by window, in memory that does not depend on its size."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from manet.legend import IGNORED
from manet.prediction.summary_tree import SummaryFile
from manet.raster.scene import Scene
from manet.raster.windows import Window

Floats = NDArray[np.float32]


class Predicted(NamedTuple):
    """A window that is predicted."""

    strip: int
    """The number of the strip that the window is in."""
    window: Window
    probabilities: Floats
    """(classes, height, width), all 0 where a pixel is not valid."""
    last: bool
    """Whether it is the strip's last window."""


Done = Callable[[int], None]
"""Takes the number of windows that are done, counted from the beginning."""


def ignore(windows: int) -> None:
    """Takes no notice of progress."""


class Predictor(ABC):
    """Predicts windows of scenes of any size."""

    window: int
    """Height and width that the network sees, pixels."""

    @property
    @abstractmethod
    def overlap(self) -> int:
        """Pixels that neighbouring windows share."""

    @abstractmethod
    def steps(self, region: Window) -> int:
        """What `done` is called with at the end."""

    @abstractmethod
    def strips(
        self, scene: Scene, region: Window, done: Done = ignore, *, finished: int = 0, sums: SummaryFile | None = None
    ) -> Iterator[Predicted]:
        """The probabilities of a region, strip by strip from top to bottom, without the first `finished` strips.

        Windows are disjoint and cover the region. A strip has the same values whatever
        `finished` is, so that an interrupted prediction can be resumed.

        Args:
            scene: What is predicted.
            region: The window of the scene that is predicted; no pixel outside it is seen.
            done: Is told how many steps are done.
            finished: Strips that are left out.
            sums: Where sums over the scene are kept in case the prediction is interrupted.
        """

    def classes(self, scene: Scene, region: Window, done: Done = ignore) -> Iterator[tuple[Window, NDArray[np.uint8]]]:
        """Class indices window by window; IGNORED where a pixel is not valid."""
        for found in self.strips(scene, region, done):
            yield found.window, classes_of(found.probabilities)

    def whole(self, scene: Scene, region: Window, done: Done = ignore) -> NDArray[np.uint8]:
        """Class indices of a region (height, width), all in memory; IGNORED where a pixel is not valid."""
        whole = np.full((region.height, region.width), IGNORED, np.uint8)
        for window, found in self.classes(scene, region, done):
            whole[window.within(region).slices] = found
        return whole


def classes_of(probabilities: Floats) -> NDArray[np.uint8]:
    """The class of largest probability (height, width), the first of equal ones; IGNORED where all are 0 or one of them
    is no number."""
    classes = probabilities.argmax(axis=0).astype(np.uint8)
    total = probabilities.sum(axis=0)
    classes[~(total > 0) | ~np.isfinite(total)] = IGNORED
    return classes
