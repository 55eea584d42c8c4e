"""What labels mean: the pixels of label rasters, and polygons, as class indices of any window.

A legend file (legend_file.py) says which colour, value or attribute stands for which class; this file applies it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from manet.datasets.legend_file import LegendFile
from manet.errors import DatasetError
from manet.legend import IGNORED
from manet.raster.label_raster import LARGEST, Codes, LabelRaster
from manet.raster.scene import Scene
from manet.raster.vectors import ClassPolygons, PolygonFile
from manet.raster.windows import Window

Classes = NDArray[np.uint8]
"""Class indices (height, width), IGNORED where there is no label."""


MASKED = 255
"""What masks of two classes hold for the second one, the first being 0."""


class SceneLabels(Protocol):
    """The labels of several scenes."""

    def read(self, scene: str, window: Window) -> Classes:
        """The class indices (height, width) of a window of the scene with this name."""
        ...


class LabelWindow(NamedTuple):
    """What a window of a label raster holds; all arrays are (height, width)."""

    classes: Classes
    codes: Codes
    """The values or colours that the classes come from."""
    stray: NDArray[np.bool_]
    """Where there is a value or colour that the legend does not know; there the class is IGNORED."""


def is_by_colour(raster: LabelRaster, legend: LegendFile) -> bool:
    """Whether the classes of a raster are distinguished by colour; otherwise they are by value."""
    if raster.bands == 3:
        return True
    # greys that are no class are only how the values are shown
    only_shown = bool(raster.greys) and not raster.greys & set(legend.by_colour())
    return raster.has_palette and not legend.has_values and not only_shown


def read_classes(raster: LabelRaster, legend: LegendFile, window: Window) -> LabelWindow:
    """Read a window of a label raster.

    Pixels have no label where the raster is masked or transparent, and where the legend says that their value or colour
    is ignored. The raster's nodata value and the value IGNORED mean no label too, unless a legend with values says what
    they stand for.

    Args:
        raster: Label raster.
        legend: The classes, and what labels hold for them.
        window: Pixels of the raster.

    Raises:
        SceneError: The raster cannot be read, or holds values that are not whole numbers.
    """
    codes, known = read_codes(raster, legend, window)
    return look_up(codes, known, table_of(raster, legend))


def read_codes(raster: LabelRaster, legend: LegendFile, window: Window) -> tuple[Codes, NDArray[np.bool_]]:
    """The colours or values of a window's pixels, and whether a pixel has one, (height, width)."""
    return raster.read_colours(window) if is_by_colour(raster, legend) else raster.read_values(window)


def table_of(raster: LabelRaster, legend: LegendFile) -> dict[int, int]:
    """The class index, or IGNORED, of each code of a raster."""
    if is_by_colour(raster, legend):
        return legend.by_colour()
    table = {IGNORED: IGNORED} | legend.by_value()
    whole = raster.nodata is not None and float(raster.nodata).is_integer() and abs(raster.nodata) < LARGEST
    if whole and not (legend.has_values and raster.nodata in table):
        table[int(raster.nodata or 0)] = IGNORED
    return table


def nearest_codes(codes: Codes, table: dict[int, int], by_colour: bool) -> Codes:
    """Codes of which those that are in no table are rounded to the nearest that is.

    They are rounded if they are nearer to it than a third of the least distance of two codes of the table, so that it
    is plain which is meant; others stay as they are.

    Args:
        codes: Values or colours (height, width).
        table: The known codes are its keys.
        by_colour: Whether codes are colours, whose distance is that of red, green and blue.
    """

    def place(of: NDArray[np.integer]) -> NDArray[np.int64]:
        channels = (of >> 16, of >> 8 & 255, of & 255) if by_colour else (of,)
        return np.stack(channels, axis=-1).astype(np.int64)

    known = np.array(sorted(table))
    apart = np.linalg.norm(place(known)[:, None] - place(known)[None], axis=-1)
    limit = apart[apart > 0].min(initial=np.inf) / 3
    found, inverse = np.unique(codes, return_inverse=True)
    distances = np.linalg.norm(place(found)[:, None] - place(known)[None], axis=-1)
    rounded = np.where(distances.min(axis=1) < limit, known[distances.argmin(axis=1)], found)
    return rounded[inverse].reshape(codes.shape).astype(codes.dtype)


def look_up(codes: Codes, known: NDArray[np.bool_], table: dict[int, int]) -> LabelWindow:
    """Turn codes into class indices.

    Args:
        codes: Values or colours of pixels (height, width).
        known: Whether a pixel has one at all (height, width).
        table: Class index, or IGNORED, of each code.
    """
    classes, stray = np.full(codes.shape, IGNORED, np.uint8), known.copy()
    for code, index in table.items():
        here = codes == code
        classes[here] = index
        stray &= ~here
    classes[~known] = IGNORED
    return LabelWindow(classes, codes, stray)


class RasterLabels:
    """One label raster per scene."""

    def __init__(
        self, rasters: dict[str, LabelRaster], legend: LegendFile, mask: bool = False, nearest: bool = False
    ) -> None:
        """Take the rasters and what is known of them.

        Args:
            rasters: By the names of their scenes.
            legend: The classes, and what labels hold for them.
            mask: Whether they are masks, which hold 0 for the first class and 255 for the second.
            nearest: Whether what the legend does not know is rounded to the nearest that it does.
        """
        self.rasters, self.legend, self.mask, self.nearest = rasters, legend, mask, nearest
        self._open = next(iter(rasters))

    def read(self, scene: str, window: Window) -> Classes:
        """The class indices (height, width) of a window of a scene."""
        return self.read_window(scene, window).classes

    def read_window(self, scene: str, window: Window) -> LabelWindow:
        """Class indices with the codes that they come from, rounded ones as what they were rounded to."""
        if scene != self._open:  # only one is open at a time, since there may be thousands
            self.rasters[self._open].close()
            self._open = scene
        raster = self.rasters[scene]
        codes, known = read_codes(raster, self.legend, window)
        table = {0: 0, MASKED: 1} if self.mask else table_of(raster, self.legend)
        if self.nearest:
            codes = nearest_codes(codes, table, is_by_colour(raster, self.legend))
        return look_up(codes, known, table)


@dataclass(frozen=True)
class PolygonLabels:
    """Polygons on several scenes; where they overlap, the later one counts."""

    scenes: dict[str, Scene]
    polygons: dict[str, ClassPolygons]
    """By scene, in the scene's CRS."""
    background: int
    """The class of pixels in no polygon, or IGNORED."""

    def read(self, scene: str, window: Window) -> Classes:
        """The class indices (height, width) of a window of a scene."""
        return self.polygons[scene].burn(window, self.scenes[scene].transform, self.background)


@dataclass(frozen=True)
class LabelsWithin:
    """Labels that count only inside the polygons of an area; the pixels outside are ignored."""

    labels: SceneLabels
    area: PolygonLabels
    """1 inside the area, 0 outside."""

    def read(self, scene: str, window: Window) -> Classes:
        """The class indices (height, width) of a window of a scene."""
        inside = self.area.read(scene, window) > 0
        return np.where(inside, self.labels.read(scene, window), np.uint8(IGNORED))


def classes_of_values(values: Sequence[str | None], legend: LegendFile) -> tuple[list[int], list[bool]]:
    """The class indices of polygons by their attribute, and which values the legend does not know.

    Polygons with a value that the legend ignores or does not know are IGNORED; no value counts as an empty one.
    """
    table = legend.by_attribute()
    texts = ["" if value is None else value for value in values]
    return [table.get(text, IGNORED) for text in texts], [text not in table for text in texts]


def place_polygons(file: PolygonFile, classes: Sequence[int], scenes: dict[str, Scene]) -> dict[str, ClassPolygons]:
    """The polygons of a file with their class indices on each scene, in the scene's CRS.

    Raises:
        DatasetError: A scene has no CRS, or polygons do not exist in it.
    """
    crs = {name: _crs_of(scene) for name, scene in scenes.items()}
    placed = {wkt: ClassPolygons(file.in_crs(wkt), classes) for wkt in set(crs.values())}
    return {name: placed[wkt] for name, wkt in crs.items()}


def _crs_of(scene: Scene) -> str:
    if scene.crs is None:
        raise DatasetError(
            f"{scene.path} has no CRS, so it is unknown where polygons lie; assign one (gdal_edit -a_srs EPSG:...)"
        )
    return scene.crs.to_wkt()
