"""Stray labels: values and colours in label rasters that the legend does not know."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from manet.datasets.label_classes import LabelWindow
from manet.errors import DatasetError
from manet.raster.windows import Window

StrayChoice = Literal["refuse", "ignore"]
"""What happens to stray labels: they are an error, or their pixels are ignored."""

FolderStrayChoice = Literal["refuse", "ignore", "nearest"]
"""In label rasters of a folder they may also be rounded to the nearest label, as lossy compression needs."""


@dataclass
class Strays:
    """In how many pixels each stray label is, and where it is first."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, found: LabelWindow, window: Window, raster: str, by_colour: bool) -> None:
        """Count the stray labels of a window.

        Args:
            found: What the window holds.
            window: Pixels of the raster.
            raster: The raster's name in messages.
            by_colour: Whether its codes are colours; otherwise they are values.
        """
        if not found.stray.any():
            return
        codes, firsts, numbers = np.unique(found.codes[found.stray], return_index=True, return_counts=True)
        rows, columns = np.nonzero(found.stray)
        for code, index, number in zip(codes.tolist(), firsts, numbers.tolist(), strict=True):
            what = _colour(code) if by_colour else f"value {code}"
            self.counts[what] += number
            place = f"row {window.row + rows[index]}, column {window.col + columns[index]} of {raster}"
            self.first.setdefault(what, place)

    def listed(self) -> str:
        """The three most frequent stray labels in words; empty if there are none."""
        named = [f"{what} in {n} pixels (first: {self.first[what]})" for what, n in self.counts.most_common(3)]
        return ", ".join(named) + (f" and {len(self.counts) - 3} more" if len(self.counts) > 3 else "")

    def refuse(self, advice: str) -> None:
        """Raises DatasetError if there are stray labels, with advice on what to do."""
        if self.counts:
            raise DatasetError(f"labels hold what the legend does not know: {self.listed()}; {advice}", option="stray")


def _colour(code: int) -> str:
    return f"colour ({code >> 16}, {code >> 8 & 255}, {code & 255})"
