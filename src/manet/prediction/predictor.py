"""What predicts areas of scenes: probabilities strip by strip, in memory that does not depend on the area's size."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from manet.legend import IGNORED
from manet.prediction.summary_tree import SumsFile
from manet.raster.scene import Scene
from manet.raster.windows import Window

Floats = NDArray[np.float32]

Strip = Iterator[tuple[Window, Floats]]
"""Pieces of a stretch of rows, disjoint, each with its probabilities (classes, height, width), all 0 where a pixel is
not valid. A strip must be read to its end before the next one is asked for."""

Advance = Callable[[int], None]
"""Called with the number of windows that were done before, once; then with the number that is done, again and again."""


def ignore(windows: int) -> None:
    """Takes no notice of progress."""


class AreaPredictor(ABC):
    """Predicts areas of scenes."""

    @property
    @abstractmethod
    def overlap(self) -> int:
        """Pixels that neighbouring windows share."""

    @abstractmethod
    def windows(self, area: Window) -> int:
        """The sum of what `advance` is called with for an area."""

    @abstractmethod
    def strips(
        self, scene: Scene, area: Window, advance: Advance = ignore, *, finished: int = 0, sums: SumsFile | None = None
    ) -> Iterator[Strip]:
        """The strips of an area from top to bottom, without the first `finished` ones.

        A strip has the same values whatever `finished` is, so an interrupted prediction can go on. sums: where sums
        over the scene are kept in case it is interrupted. Pixels that are in no piece are not valid.
        """

    def probabilities(self, scene: Scene, area: Window, advance: Advance = ignore) -> Strip:
        """All pieces of an area."""
        return chain.from_iterable(self.strips(scene, area, advance))

    def predict(
        self, scene: Scene, area: Window, advance: Advance = ignore
    ) -> Iterator[tuple[Window, NDArray[np.uint8]]]:
        """Class indices of an area, piece by piece; IGNORED where a pixel is not valid."""
        for piece, probabilities in self.probabilities(scene, area, advance):
            yield piece, classes_of(probabilities)

    def predict_whole(self, scene: Scene, area: Window, advance: Advance = ignore) -> NDArray[np.uint8]:
        """Class indices of an area (height, width), all in memory; IGNORED where a pixel is not valid."""
        classes = np.full((area.height, area.width), IGNORED, np.uint8)
        for piece, found in self.predict(scene, area, advance):
            classes[piece.within(area).slices] = found
        return classes


def classes_of(probabilities: Floats) -> NDArray[np.uint8]:
    """The class of largest probability (height, width), the first of equal ones; IGNORED where all are 0."""
    classes = probabilities.argmax(axis=0).astype(np.uint8)
    classes[~probabilities.any(axis=0)] = IGNORED
    return classes
