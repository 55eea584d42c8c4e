"""What a sample is stratified by: the map's classes, another raster, polygons, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from manet.assessment.maps import ClassCounts, ClassMap, class_counts, count_by_row, read_tiles
from manet.assessment.quantity import Floats
from manet.errors import OptionError, SceneError
from manet.legend import IGNORED
from manet.progress import QUIET, Progress
from manet.raster.inputs import IMAGES
from manet.raster.vectors import ClassPolygons, read_polygon_file
from manet.raster.windows import Window

Strata = NDArray[np.uint8]
"""The stratum of each pixel of a window (height, width); IGNORED where the map has no class."""

ELSEWHERE = "elsewhere"
"""The stratum of pixels in no polygon."""


class Stratifier(Protocol):
    """Divides maps into strata."""

    names: list[str]
    """Of the strata, by number."""

    def strata(self, m: ClassMap, window: Window, classes: NDArray[np.uint8]) -> Strata:
        """The strata of a window, whose classes are given. Every pixel with a class has one."""
        ...


class ByClass:
    """Each class of the map is a stratum."""

    def __init__(self) -> None:
        self.names: list[str] = []
        """Set by `count_strata`, as not every map names its classes."""

    def strata(self, m: ClassMap, window: Window, classes: NDArray[np.uint8]) -> Strata:
        """The classes themselves."""
        return classes


class ByRaster:
    """The values of another raster on the map's grid."""

    def __init__(self, path: Path, maps: Sequence[ClassMap]) -> None:
        """Open it. Raises SceneError if it is not on the grid of the map, or OptionError if there are several maps."""
        if len(maps) > 1:
            raise OptionError("a raster of strata belongs to one map; give polygons for several", option="strata")
        self.raster = ClassMap(path)
        if not maps[0].same_grid(self.raster):
            raise SceneError(f"{path} does not have the pixels of {maps[0].path}; warp it onto the map's grid")
        known = self.raster.names
        self.names = [known.get(index) or f"stratum {index}" for index in range(IGNORED)]

    def strata(self, m: ClassMap, window: Window, classes: NDArray[np.uint8]) -> Strata:
        """The raster's values. Raises SceneError if a pixel with a class has none."""
        found = self.raster.read_classes(window)
        if ((found == IGNORED) & (classes != IGNORED)).any():
            raise SceneError(f"{self.raster.path} has no stratum for a part of {m.path}; fill it")
        return np.where(classes == IGNORED, IGNORED, found).astype(np.uint8)


class ByPolygons:
    """The polygons that contain the pixels' centres; pixels in none are a stratum of their own."""

    def __init__(self, path: Path, attribute: str | None, maps: Sequence[ClassMap]) -> None:
        """Read them; each value of the attribute is a stratum.

        Raises:
            DatasetError: The file cannot be read, or has no such attribute.
            OptionError: There are too many strata, or the maps have no CRS.
        """
        found = read_polygon_file(path, attribute)
        texts = ["inside" if attribute is None else value or "no value" for value in found.values]
        self.names = [*dict.fromkeys(texts), ELSEWHERE]
        if len(self.names) > IGNORED:
            raise OptionError(
                f"{path} has {len(self.names) - 1} values of '{attribute}'; expected at most {IGNORED - 1}",
                option="attribute",
            )
        classes = [self.names.index(text) for text in texts]
        self._burnt: dict[str, ClassPolygons] = {}
        for m in maps:
            if m.crs is None:
                raise OptionError(f"{m.path} has no CRS, so polygons cannot be its strata; assign one")
            self._burnt[m.name] = ClassPolygons(found.in_crs(m.crs.to_wkt()), classes)

    def strata(self, m: ClassMap, window: Window, classes: NDArray[np.uint8]) -> Strata:
        """The number of the polygon's value."""
        burnt = self._burnt[m.name].burn(window, m.transform, self.names.index(ELSEWHERE))
        return np.where(classes == IGNORED, IGNORED, burnt).astype(np.uint8)


def stratifier(source: Path | None, attribute: str | None, maps: Sequence[ClassMap]) -> Stratifier:
    """What is to be stratified by: the map's classes (None), a raster, or polygons.

    Raises:
        SceneError: The raster cannot be read, or is not on the map's grid.
        DatasetError: The polygons cannot be read.
        OptionError: They do not go with the maps.
    """
    if source is None:
        return ByClass()
    return ByRaster(source, maps) if source.suffix.lower() in IMAGES else ByPolygons(source, attribute, maps)


@dataclass(frozen=True)
class Population:
    """All pixels of maps, counted by stratum, tile by tile."""

    places: list[tuple[ClassMap, Window]]
    """The tiles, in the order in which pixels are numbered."""
    by_tile: NDArray[np.int64]
    """(tiles, strata) pixels."""
    ground: Floats
    """(strata,) square metres, or pixels where the maps' place on earth is unknown."""
    names: list[str]
    """Of the strata."""
    classes: ClassCounts

    @property
    def pixels(self) -> NDArray[np.int64]:
        """(strata,)."""
        return self.by_tile.sum(axis=0)


def count_strata(maps: Sequence[ClassMap], by: Stratifier, progress: Progress = QUIET) -> Population:
    """Count every pixel of maps by stratum and class, tile by tile.

    Raises:
        SceneError: A map or a raster of strata cannot be read, or all is empty.
    """
    places: list[tuple[ClassMap, Window]] = []
    by_tile: list[NDArray[np.int64]] = []
    ground, class_pixels, class_ground = np.zeros(IGNORED), np.zeros(IGNORED, np.int64), np.zeros(IGNORED)
    for m, window, classes in read_tiles(maps, progress):
        strata = by.strata(m, window, classes)
        sizes = m.ground_of_rows(window)
        counts = count_by_row(strata)
        own = counts if strata is classes else count_by_row(classes)
        places.append((m, window))
        by_tile.append(counts.sum(axis=0))
        ground += sizes @ counts
        class_pixels += own.sum(axis=0)
        class_ground += sizes @ own
    found = class_counts(maps, class_pixels, class_ground)
    names = found.names if isinstance(by, ByClass) else by.names[: int(np.flatnonzero(ground)[-1]) + 1]
    table = np.stack(by_tile)[:, : len(names)]
    return Population(places, table, ground[: len(names)], names, found)
