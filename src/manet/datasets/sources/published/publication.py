"""What a publisher's dataset consists of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from re import Pattern
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from manet.datasets.label_codes import Stray
from manet.datasets.legend_file import LegendFile
from manet.datasets.manifest import Split
from manet.datasets.sources.published.archives import SourceFile
from manet.raster.windows import Window

Role = Literal["image", "labels", "eroded", "height"]
NAMES: dict[Role, str] = {"image": "images", "labels": "labels", "eroded": "eroded labels", "height": "heights"}


class Height(Protocol):
    """Heights of a scene in the values of its other bands."""

    def read(self, window: Window) -> NDArray[np.uint8]:
        """(height, width); the last row and column again where the file lacks them."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Publication:
    """A dataset as its publisher gives it, in the bands that are asked for."""

    name: str
    legend: LegendFile
    bands: tuple[str, ...]
    """Of the prepared scenes; a height is the last."""
    scenes: Mapping[str, Split]
    recognise: Callable[[SourceFile], tuple[Role, str] | None]
    """What a file is, and of which scene; None for one that is not of the dataset."""
    archives: Mapping[Role, str]
    """Where each role's files are, for people. Roles that are not here are not looked for."""
    nested: Pattern[str]
    """Finds the names of archives within archives that are needed."""
    attribution: str
    gsd_m: float | None = None
    """By the publisher's word; an image that has a CRS says itself."""
    hidden: frozenset[Split] = frozenset()
    """Splits whose labels the publisher keeps."""
    off_colour: frozenset[str] = frozenset()
    """Scenes whose labels are known to be in colours that are only nearly the legend's."""
    open_height: Callable[[Path], Height] | None = None
    """From the file of a scene's heights, which may lack the last row or column, to the band."""
    note: str | None = None
    """What whoever prepares it should know."""

    def needs(self, role: Role, split: Split) -> bool:
        return role in self.archives and not (split in self.hidden and role in ("labels", "eroded"))


@dataclass(frozen=True)
class PublicationSettings:
    """What is decided by who prepares."""

    stray: Stray = "refuse"
    incomplete: bool = False
    """Whether the scenes that are whole are prepared where others are not."""
