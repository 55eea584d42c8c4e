"""What label rasters hold, colours or values, as class indices; and what of it no legend knows."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from manet.datasets.legend_file import LegendFile
from manet.errors import DatasetError
from manet.legend import IGNORED
from manet.raster.labels import Codes, LabelRaster
from manet.raster.windows import Window

Stray = Literal["refuse", "ignore"]
"""What is done with labels that the legend does not know."""

Classes = NDArray[np.uint8]


def look_up(codes: Codes, table: dict[int, int]) -> tuple[Classes, NDArray[np.bool_]]:
    """Class indices (IGNORED where the table has none), and where the table has none."""
    classes, unknown = np.full(codes.shape, IGNORED, np.uint8), np.ones(codes.shape, bool)
    for code, index in table.items():
        here = codes == code
        classes[here] = index
        unknown &= ~here
    return classes, unknown


def is_by_colour(raster: LabelRaster, legend: LegendFile) -> bool:
    """Whether a raster's classes are told apart by colour, else by value."""
    return raster.bands == 3 or (raster.has_palette and not legend.has_values)


def read_classes(raster: LabelRaster, legend: LegendFile, window: Window) -> tuple[Classes, Codes, NDArray[np.bool_]]:
    """Classes, codes, and where a code is not known."""
    if is_by_colour(raster, legend):
        (codes, known), table = raster.read_colours(window), legend.by_colour()
    else:
        (codes, known), table = raster.read_values(window), {IGNORED: IGNORED} | legend.by_value()
        if raster.nodata is not None and not (legend.has_values and raster.nodata in table):
            table[int(raster.nodata)] = IGNORED
    classes, unknown = look_up(codes, table)
    classes[~known] = IGNORED
    return classes, codes, unknown & known


@dataclass
class Strays:
    """Labels that the legend does not know: in how many pixels each is, and where first."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, codes: Codes, unknown: NDArray[np.bool_], window: Window, place: str, by_colour: bool) -> None:
        """Takes a window of the raster at `place`."""
        if not unknown.any():
            return
        values, places, numbers = np.unique(codes[unknown], return_index=True, return_counts=True)
        rows, columns = np.nonzero(unknown)
        for value, index, number in zip(values.tolist(), places, numbers.tolist(), strict=True):
            what = _describe(value) if by_colour else f"value {value}"
            self.counts[what] += number
            self.first.setdefault(
                what, f"row {window.row + rows[index]}, column {window.col + columns[index]} of {place}"
            )

    def listed(self) -> str:
        """The most frequent three; nothing where there are none."""
        named = [f"{what} in {n} pixels (first: {self.first[what]})" for what, n in self.counts.most_common(3)]
        return ", ".join(named) + (f" and {len(self.counts) - 3} more" if len(self.counts) > 3 else "")

    def refuse(self, advice: str) -> None:
        """Raises DatasetError where there are any, with what to do."""
        if self.counts:
            raise DatasetError(f"labels hold what the legend does not know: {self.listed()}; {advice}")


def _describe(colour: int) -> str:
    return f"colour ({colour >> 16}, {colour >> 8 & 255}, {colour & 255})"
