"""Labels as one has them, rasters or polygons, as class indices of any window."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from manet.datasets.label_codes import Classes, Stray, Strays, is_by_colour, read_classes
from manet.datasets.legend_file import LegendFile
from manet.datasets.prepare import Progress
from manet.errors import DatasetError
from manet.legend import IGNORED
from manet.raster.labels import Codes, LabelRaster
from manet.raster.scene import Scene
from manet.raster.vectors import PolygonFile, Shapes, bounds_of, read_polygon_file
from manet.raster.windows import Window, tiles


class Labels(Protocol):
    """Labels of all scenes."""

    def read(self, scene: str, window: Window) -> Classes:
        """Class indices or IGNORED (height, width)."""
        ...


class RasterLabels:
    """A label raster a scene, found by name."""

    def __init__(self, scenes: dict[str, Scene], paths: dict[str, Path], legend: LegendFile) -> None:
        """Raises DatasetError where a raster is not of its scene's size or place."""
        self.rasters = {name: LabelRaster(paths[name]) for name in scenes}
        self.legend = legend
        self._open = next(iter(scenes))
        for name, scene in scenes.items():
            _check_place(scene, self.rasters[name])

    def read(self, scene: str, window: Window) -> Classes:
        return self._read(scene, window)[0]

    def check(self, stray: Stray, progress: Progress) -> None:
        """Raises DatasetError where pixels hold what the legend does not know, and that is refused."""
        strays, kinds = Strays(), Counter[str]()
        for name, raster in self.rasters.items():
            by_colour = is_by_colour(raster, self.legend)
            kinds["colours" if by_colour else "values"] += 1
            for window in tiles(raster.height, raster.width):
                _, codes, unknown = self._read(name, window)
                strays.add(codes, unknown, window, raster.path, by_colour)
        progress("labels: " + ", ".join(f"{number} rasters told apart by {kind}" for kind, number in kinds.items()))
        self._tell_nodata(progress)
        if stray == "refuse":
            strays.refuse("add it to the legend, as a class or under `ignored`, or use --stray ignore")
        elif strays.counts:
            progress(f"ignored, since the legend does not know them: {strays.listed()}")

    def _tell_nodata(self, progress: Progress) -> None:
        """A value that would be a class's place, and that the file calls nodata, can be meant either way."""
        for name, raster in self.rasters.items():
            by_place = not is_by_colour(raster, self.legend) and not self.legend.has_values
            if by_place and raster.nodata in range(len(self.legend.classes)):
                label = self.legend.classes[int(raster.nodata or 0)].name
                progress(
                    f"labels of '{name}' call {raster.nodata:g} nodata, so it is ignored; "
                    f"if it is the class '{label}', give the classes a `value` in the legend"
                )
                return

    def _read(self, scene: str, window: Window) -> tuple[Classes, Codes, NDArray[np.bool_]]:
        if scene != self._open:  # one at a time; folders may be of thousands
            self.rasters[self._open].close()
            self._open = scene
        return read_classes(self.rasters[scene], self.legend, window)


class PolygonLabels:
    """Polygons of one file on all scenes; later ones lie over earlier ones."""

    def __init__(
        self,
        scenes: dict[str, Scene],
        path: Path,
        attribute: str | None,
        legend: LegendFile,
        between: Literal["background", "ignore"],
        stray: Stray,
        progress: Progress,
    ) -> None:
        """Raises DatasetError where polygons have no class or place, or images have none and nothing else."""
        self.scenes, self.background = scenes, IGNORED
        if between == "background":
            if legend.background is None:
                raise DatasetError(
                    "the legend has no class for what lies between polygons; name one 'background', "
                    "or use --outside-polygons ignore"
                )
            self.background = legend.background
        file = read_polygon_file(path, attribute)
        classes = _polygon_classes(file, attribute, legend, stray, progress)
        by_crs = {place: Shapes(file.placed(place), classes) for place in {crs_of(scene) for scene in scenes.values()}}
        self.shapes = {name: by_crs[crs_of(scene)] for name, scene in scenes.items()}
        _tell(file, [c.name for c in legend.classes], classes, progress)
        self._tell_overlaps(progress)
        name = legend.classes[self.background].name if between == "background" else ""
        progress(f"pixels in no polygon: {f'class {name!r}' if name else 'ignored'}")
        self._check_touched(file, progress)

    def read(self, scene: str, window: Window) -> Classes:
        return self.shapes[scene].burn(window, self.scenes[scene].transform, self.background)

    def _tell_overlaps(self, progress: Progress) -> None:
        first = next(iter(self.scenes))
        pairs, unlike = self.shapes[first].overlaps(abs(self.scenes[first].transform.determinant))
        if pairs:
            progress(
                f"{pairs} pairs of polygons overlap by a pixel's area or more, {unlike} of them of different classes: "
                "the later one in the file lies over the earlier"
            )

    def _check_touched(self, file: PolygonFile, progress: Progress) -> None:
        bare = [
            name for name, scene in self.scenes.items() if not self.shapes[name].touching(scene.window, scene.transform)
        ]
        if len(bare) == len(self.scenes):
            raise DatasetError(
                f"no polygon of {file.path} lies on an image; its CRS is {file.crs[:40]}: check that this is so, "
                "and that images and polygons are of the same place"
            )
        if bare and self.background == IGNORED:
            raise DatasetError(
                f"{len(bare)} of {len(self.scenes)} images have no polygon and so no labels (first: '{bare[0]}'); "
                "label them, take them away, or use --outside-polygons background"
            )
        if bare:
            progress(f"{len(bare)} images have no polygon and are background alone (first: '{bare[0]}')")


@dataclass(frozen=True)
class WithinArea:
    """Labels inside polygons alone; outside them all is ignored."""

    labels: Labels
    scenes: dict[str, Scene]
    shapes: dict[str, Shapes]

    @classmethod
    def of(cls, path: Path, labels: Labels, scenes: dict[str, Scene]) -> "WithinArea":
        """Raises DatasetError where the area cannot be read or placed."""
        file = read_polygon_file(path)
        by_crs = {crs: file.placed(crs) for crs in {crs_of(scene) for scene in scenes.values()}}
        shapes = {name: Shapes(by_crs[crs_of(scene)], [1] * len(file.polygons)) for name, scene in scenes.items()}
        return cls(labels, scenes, shapes)

    def read(self, scene: str, window: Window) -> Classes:
        inside = self.shapes[scene].burn(window, self.scenes[scene].transform, background=0)
        return np.where(inside > 0, self.labels.read(scene, window), np.uint8(IGNORED))


def crs_of(scene: Scene) -> str:
    """As text. Raises DatasetError where the scene has none."""
    if scene.crs is None:
        raise DatasetError(
            f"{scene.path} has no CRS, so polygons cannot be placed on it; assign one (gdal_edit -a_srs EPSG:...)"
        )
    return scene.crs.to_wkt()


def _check_place(scene: Scene, raster: LabelRaster) -> None:
    if (raster.height, raster.width) != (scene.height, scene.width):
        raise DatasetError(
            f"{raster.path} is of {raster.height} x {raster.width} pixels, its image {scene.path} of {scene.height} x "
            f"{scene.width}; labels must be of their image's size"
        )
    if scene.crs is None or raster.crs is None:
        return
    ours, theirs = (np.array(bounds_of(scene.window, t)) for t in (scene.transform, raster.transform))
    off = float(abs(ours - theirs).max() / abs(scene.transform.determinant) ** 0.5)
    if scene.crs != raster.crs or off > 0.5:
        raise DatasetError(
            f"{raster.path} lies elsewhere than its image {scene.path} (another CRS, or off by {off:.1f} pixels); "
            "warp it onto the image (gdalwarp)"
        )


def _polygon_classes(
    file: PolygonFile, attribute: str | None, legend: LegendFile, stray: Stray, progress: Progress
) -> list[int]:
    if attribute is None:
        drawn = [index for index in range(len(legend.classes)) if index != legend.background]
        if len(drawn) > 1:
            raise DatasetError(
                f"the legend has {len(drawn)} classes that polygons may be of; say by --attribute which attribute of "
                f"{file.path} tells them apart"
            )
        return drawn * len(file.polygons)
    table = legend.by_attribute()
    unknown = Counter(str(value) for value in file.values if value not in table)
    if unknown:
        place = next(number for value, number in zip(file.values, file.features, strict=True) if value not in table)
        listed = ", ".join(f"'{value}' ({number})" for value, number in unknown.most_common(3))
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        if stray == "refuse":
            raise DatasetError(
                f"attribute '{attribute}' of {file.path} has values without a class: {listed}{more}, first in feature "
                f"{place}; add them to the legend as a `value` or under `ignored`, or use --stray ignore"
            )
        progress(f"ignored, since no class has these values of '{attribute}': {listed}{more}")
    return [IGNORED if value is None else table.get(value, IGNORED) for value in file.values]


def _tell(file: PolygonFile, names: list[str], classes: list[int], progress: Progress) -> None:
    counts = Counter("ignored" if index == IGNORED else names[index] for index in classes)
    progress(f"polygons: {', '.join(f'{number} {name}' for name, number in counts.items())}")
    if file.repaired:
        progress(f"{file.repaired} polygons cross themselves and were made valid")
    if file.left_out:
        progress(f"{file.left_out} features are no polygons and were left out")
