"""Class maps as populations of pixels: read, counted and looked up window by window, whatever their size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.assessment.quantity import Floats
from manet.errors import SceneError
from manet.legend import IGNORED
from manet.progress import QUIET, Progress
from manet.raster.ellipsoid import ground_of
from manet.raster.scene import Scene
from manet.raster.windows import Window, tiles
from manet.raster.writer import read_category_names

TILE = 1024
"""Height and width of what is read at a time, pixels."""


class ClassMap(Scene):
    """A raster of class indices, 0 to 254; IGNORED and nodata are not part of the map.

    Attributes:
        name: What rows of a sample call it: its file's name without the ending.
        ground: Its place on earth; None if that is unknown.
    """

    def __init__(self, path: str | Path) -> None:
        """Look at the raster; no pixels are read yet.

        Raises:
            SceneNotFoundError: There is no such file.
            SceneError: It is no image, or has several bands.
        """
        super().__init__(path)
        if self.bands != 1 or not np.issubdtype(np.dtype(self.dtype), np.integer):
            raise SceneError(
                f"{path} has {self.bands} {'bands' if self.bands > 1 else 'band'} of {self.dtype}, so it is no map; "
                "expected one band of class indices"
            )
        self.name = Path(path).stem
        self.names = read_category_names(Path(path))
        self.ground = ground_of(self.crs, self.transform)

    def read_classes(self, window: Window) -> NDArray[np.uint8]:
        """The classes of a window (height, width), IGNORED where the map has none.

        Raises:
            SceneError: The file cannot be read, or holds a value outside 0 to 254.
        """
        image, valid = self.read(window)
        values = np.where(valid, image[0], IGNORED)
        if ((values < 0) | (values > IGNORED)).any():
            wrong = values[(values < 0) | (values > IGNORED)][0]
            raise SceneError(f"{self.path} holds the value {wrong}; expected class indices of 0 to 254")
        return values.astype(np.uint8)

    def ground_of_rows(self, window: Window) -> Floats:
        """The ground of a pixel in each row of a window (height,): square metres, or 1 where that is unknown."""
        return np.ones(window.height) if self.ground is None else self.ground.pixel_areas_m2(window)

    def tiles(self, size: int = TILE) -> Iterator[Window]:
        """Windows of at most size x size without overlap that cover the map."""
        return tiles(self.height, self.width, size)

    def same_grid(self, other: Scene) -> bool:
        """Whether two rasters have the same pixels on the ground, but for a hundredth of a pixel."""
        corners = np.array([[0, 0, 1], [self.height, 0, 1], [0, self.width, 1]]).T
        own, others = (
            np.array([[t.b, t.a, t.c], [t.e, t.d, t.f]]) @ corners for t in (self.transform, other.transform)
        )
        pixel = np.hypot(self.transform.a, self.transform.d)
        same_size = (self.height, self.width) == (other.height, other.width)
        return same_size and self.crs == other.crs and float(np.abs(own - others).max()) < 0.01 * pixel


def open_maps(paths: Sequence[str | Path]) -> list[ClassMap]:
    """Open maps that are assessed as one population.

    Raises:
        SceneError: One cannot be read, two have the same name or overlap, or only some have a place on earth.
    """
    maps = [ClassMap(path) for path in paths]
    names = [m.name for m in maps]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SceneError(f"several maps are called {', '.join(twice)}; give each another name, or name it once")
    if len({m.ground is None for m in maps}) > 1:
        unknown = next(m.path for m in maps if m.ground is None)
        raise SceneError(f"{unknown} has no CRS, unlike other maps of the population; assign one")
    for index, one in enumerate(maps):
        for other in maps[:index]:
            if one.crs is not None and one.crs == other.crs and _overlap(one, other):
                raise SceneError(f"{other.path} and {one.path} overlap, so ground would count twice; cut one of them")
    return maps


def _overlap(one: ClassMap, other: ClassMap) -> bool:
    """Whether the bounds of two maps share more than a pixel."""
    boxes = []
    for m in (one, other):
        t, rows, columns = m.transform, np.array([0, 0, m.height, m.height]), np.array([0, m.width] * 2)
        x, y = t.a * columns + t.b * rows + t.c, t.d * columns + t.e * rows + t.f
        boxes.append((x.min(), y.min(), x.max(), y.max()))
    (a, b, c, d), (e, f, g, h) = boxes
    pixel = max(abs(one.transform.a) + abs(one.transform.b), abs(other.transform.a) + abs(other.transform.b))
    return min(c, g) - max(a, e) > pixel and min(d, h) - max(b, f) > pixel


@dataclass(frozen=True)
class ClassCounts:
    """What maps hold: pixels and ground of every class."""

    names: list[str]
    """Of the classes, by index."""
    pixels: NDArray[np.int64]
    """(classes,)."""
    ground: Floats
    """(classes,) square metres, or pixels where the maps' place on earth is unknown."""
    on_earth: bool

    @property
    def shares(self) -> Floats:
        """(classes,) of all ground."""
        return self.ground / self.ground.sum()

    @property
    def surface_m2(self) -> float | None:
        """All ground; None where the maps' place on earth is unknown."""
        return float(self.ground.sum()) if self.on_earth else None


def count_classes(maps: Sequence[ClassMap], progress: Progress = QUIET) -> ClassCounts:
    """Count every pixel of maps, tile by tile.

    Raises:
        SceneError: A map cannot be read, or all are empty.
    """
    pixels, ground = np.zeros(IGNORED, np.int64), np.zeros(IGNORED)
    for m, window, classes in read_tiles(maps, progress):
        count = count_by_row(classes)
        pixels += count.sum(axis=0)
        ground += m.ground_of_rows(window) @ count
    return class_counts(maps, pixels, ground)


def count_by_row(values: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each value but IGNORED is in each row: (height, 255)."""
    rows = np.arange(values.shape[0])[:, None] * (IGNORED + 1)
    counts = np.bincount((rows + values).ravel(), minlength=values.shape[0] * (IGNORED + 1))
    return counts.reshape(values.shape[0], IGNORED + 1)[:, :IGNORED]


def class_counts(maps: Sequence[ClassMap], pixels: NDArray[np.int64], ground: Floats) -> ClassCounts:
    """Name what was counted (255,) and leave out indices above the last class. Raises SceneError if all is empty."""
    if not pixels.any():
        raise SceneError(f"{maps[0].path} has no valid pixel; give a map with classes")
    names = legend_names(maps, int(np.flatnonzero(pixels)[-1]))
    return ClassCounts(names, pixels[: len(names)], ground[: len(names)], maps[0].ground is not None)


def legend_names(maps: Sequence[ClassMap], last: int) -> list[str]:
    """The names of classes 0 to at least `last`. Raises SceneError if two maps name a class differently."""
    known: dict[int, str] = {}
    for m in maps:
        for index, name in m.names.items():
            if name and known.setdefault(index, name) != name:
                raise SceneError(
                    f"class {index} is '{known[index]}' in {maps[0].path} and '{name}' in {m.path}; "
                    "give maps with one legend"
                )
    return [known.get(index) or f"class {index}" for index in range(max([last, *known]) + 1)]


def read_tiles(
    maps: Sequence[ClassMap], progress: Progress = QUIET, what: str = "counting the map's pixels"
) -> Iterator[tuple[ClassMap, Window, NDArray[np.uint8]]]:
    """Every tile of the maps with its classes."""
    total = sum(-(-m.height // TILE) * -(-m.width // TILE) for m in maps)
    megapixels = sum(m.height * m.width for m in maps) / 1e6
    done = 0
    for m in maps:
        with m:
            for window in m.tiles():
                progress.count(what, done, total, megapixels)
                yield m, window, m.read_classes(window)
                done += 1
    progress.count(what, total, total, megapixels)


def look_up(
    maps: Sequence[ClassMap], number: NDArray[np.integer], rows: NDArray[np.integer], columns: NDArray[np.integer]
) -> tuple[NDArray[np.uint8], Floats]:
    """The class and the ground of single pixels; only tiles with such pixels are read.

    Args:
        maps: Maps.
        number: (points,) the number of each point's map.
        rows: (points,) inside the map.
        columns: (points,) inside the map.

    Returns:
        Classes (points,), IGNORED where there is none, and ground (points,) in square metres or pixels.
    """
    classes, ground = np.full(len(rows), IGNORED, np.uint8), np.ones(len(rows))
    places = np.stack([number, rows // TILE, columns // TILE], axis=1)
    tiles_hit, tile_of = np.unique(places, axis=0, return_inverse=True)
    order = np.argsort(tile_of, kind="stable")
    ends = np.cumsum(np.bincount(tile_of, minlength=len(tiles_hit)))
    for (index, down, right), points in zip(tiles_hit.tolist(), np.split(order, ends[:-1]), strict=True):
        m = maps[index]
        row, col = down * TILE, right * TILE
        window = Window(row, col, min(TILE, m.height - row), min(TILE, m.width - col))
        inside = rows[points] - row, columns[points] - col
        classes[points] = m.read_classes(window)[inside]
        ground[points] = m.ground_of_rows(window)[inside[0]]
    for m in maps:
        m.close()
    return classes, ground
