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
    if is_by_colour(raster, legend):
        (codes, known), table = raster.read_colours(window), legend.by_colour()
    else:
        (codes, known), table = raster.read_values(window), {IGNORED: IGNORED} | legend.by_value()
        whole = raster.nodata is not None and float(raster.nodata).is_integer() and abs(raster.nodata) < LARGEST
        if whole and not (legend.has_values and raster.nodata in table):
            table[int(raster.nodata or 0)] = IGNORED
    return look_up(codes, known, table)


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

    def __init__(self, rasters: dict[str, LabelRaster], legend: LegendFile, mask: bool = False) -> None:
        """Take the rasters by the names of their scenes, and what they hold; a mask holds 255 for the second class."""
        self.rasters, self.legend, self.mask = rasters, legend, mask
        self._open = next(iter(rasters))

    def read(self, scene: str, window: Window) -> Classes:
        """The class indices (height, width) of a window of a scene."""
        return self.read_window(scene, window).classes

    def read_window(self, scene: str, window: Window) -> LabelWindow:
        """Class indices with the codes that they come from."""
        if scene != self._open:  # only one is open at a time, since there may be thousands
            self.rasters[self._open].close()
            self._open = scene
        found = read_classes(self.rasters[scene], self.legend, window)
        if not self.mask:
            return found
        second = (found.codes == MASKED) & self.rasters[scene].read_values(window)[1]
        return found._replace(classes=np.where(second, np.uint8(1), found.classes), stray=found.stray & ~second)


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
