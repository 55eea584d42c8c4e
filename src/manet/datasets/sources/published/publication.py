"""What a publisher's dataset consists of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from re import Pattern
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from manet.datasets.legend_file import LegendFile
from manet.datasets.manifest import Split
from manet.datasets.sources.published.archives import SourceFile
from manet.datasets.sources.settings import SourceSettings
from manet.datasets.strays import StrayChoice
from manet.raster.windows import Window

Role = Literal["image", "labels", "eroded", "height"]
"""What a file of a scene holds."""

NAMES: dict[Role, str] = {"image": "images", "labels": "labels", "eroded": "eroded labels", "height": "heights"}
"""Roles in words."""


class Height(Protocol):
    """The heights of a scene as a band of bytes."""

    def read(self, window: Window) -> NDArray[np.uint8]:
        """The heights (height, width) of a window; rows and columns that the file lacks repeat the last ones."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


@dataclass(frozen=True)
class Publication:
    """A dataset as its publisher provides it, with the bands that were chosen."""

    name: str
    legend: LegendFile
    bands: tuple[str, ...]
    """Of the prepared scenes; heights are the last band."""
    scenes: Mapping[str, Split]
    """The split of each scene."""
    recognise: Callable[[SourceFile], tuple[Role, str] | None]
    """What a file holds, and of which scene; None for a file that does not belong to the dataset."""
    archives: Mapping[Role, str]
    """Where the files of each role are, in words. Only the roles that are listed are looked for."""
    nested: Pattern[str]
    """Matches the names of archives that are inside archives and are needed."""
    attribution: str
    gsd_m: float | None = None
    """Ground sampling distance according to the publisher, metres; the CRS of an image takes precedence."""
    hidden: frozenset[Split] = frozenset()
    """Splits whose labels the publisher keeps secret."""
    off_colour: frozenset[str] = frozenset()
    """Scenes whose labels are known to have colours that are only close to those of the legend."""
    open_height: Callable[[Path], Height] | None = None
    """Opens the file of a scene's heights, which may lack the last row or column."""
    note: str | None = None
    """What someone who prepares the dataset should know."""

    def needs(self, role: Role, split: Split) -> bool:
        """Whether a scene of a split must have a file of a role."""
        return role in self.archives and not (split in self.hidden and role in ("labels", "eroded"))


class PublicationSettings(SourceSettings):
    """What can be chosen for every published dataset."""

    stray: StrayChoice = "refuse"
    """What happens to labels that the legend does not know."""
    incomplete: bool = False
    """Whether the complete scenes are prepared although others lack files."""
