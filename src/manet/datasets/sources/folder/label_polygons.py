"""Polygons of a file as labels: which class each has, and whether they lie on the images."""

from collections import Counter
from pathlib import Path

from manet.datasets.label_classes import PolygonLabels, classes_of_values, place_polygons
from manet.datasets.legend_file import LegendFile
from manet.datasets.polygon_use import PolygonUse, polygon_use
from manet.datasets.sources.folder.settings import FolderSettings
from manet.errors import DatasetError, OptionError
from manet.legend import IGNORED
from manet.progress import Progress
from manet.raster.scene import Scene
from manet.raster.vectors import PolygonFile, read_polygon_file


def open_polygons(
    scenes: dict[str, Scene], path: Path, legend: LegendFile, settings: FolderSettings, progress: Progress
) -> PolygonLabels:
    """Read the polygons of a file as the labels of scenes and check them.

    Args:
        scenes: Images by name.
        path: File of polygons.
        legend: The classes, and which values of the attribute stand for them.
        settings: What lies between polygons, their attribute, and what happens to values the legend does not know.
        progress: Told what the polygons are, and what is ignored.

    Raises:
        OptionError: The settings do not say what lies between polygons, or which class they have.
        DatasetError: The file cannot be read, values have no class and that is refused, or polygons and images do not
            lie on each other.
    """
    background = _background(legend, settings)
    file = read_polygon_file(path, settings.attribute)
    classes = _classes(file, legend, settings, progress)
    labels = PolygonLabels(scenes, place_polygons(file, classes, scenes), background)
    _tell(file, polygon_use(labels, classes, [c.name for c in legend.classes]), progress)
    _tell_overlaps(labels, progress)
    what = "ignored" if background == IGNORED else f"class '{legend.classes[background].name}'"
    progress.note(f"pixels in no polygon: {what}")
    _check_images(labels, file, progress)
    return labels


def _background(legend: LegendFile, settings: FolderSettings) -> int:
    if settings.outside_polygons is None:
        raise OptionError(
            "polygons do not say what lies between them; expected outside_polygons 'background' if everything is "
            "drawn, or 'ignore' if something is missing",
            option="outside_polygons",
        )
    if settings.outside_polygons == "ignore":
        return IGNORED
    if legend.background is None:
        raise OptionError(
            "the legend has no class for what lies between polygons; name one 'background', or have these pixels "
            "ignored",
            option="outside_polygons",
        )
    return legend.background


def _classes(file: PolygonFile, legend: LegendFile, settings: FolderSettings, progress: Progress) -> list[int]:
    if settings.attribute is None:
        drawn = [index for index in range(len(legend.classes)) if index != legend.background]
        if len(drawn) > 1:
            raise OptionError(
                f"the legend has {len(drawn)} classes that polygons may have; name the attribute of {file.path} that "
                "distinguishes them",
                option="attribute",
            )
        return drawn * len(file.polygons)
    classes, stray = classes_of_values(file.values, legend)
    unknown = Counter(
        "no value" if value is None else f"'{value}'"
        for value, is_stray in zip(file.values, stray, strict=True)
        if is_stray
    )
    if unknown:
        listed = ", ".join(f"{value} ({number})" for value, number in unknown.most_common(3))
        listed += f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        if settings.stray == "refuse":
            raise DatasetError(
                f"attribute '{settings.attribute}' of {file.path} has values without a class: {listed}, first in "
                f"feature {file.features[stray.index(True)]}; add them to the legend as a `value` or under `ignored` "
                '("" stands for no value), or have them ignored',
                option="stray",
            )
        progress.note(f"ignored, since no class has these values of '{settings.attribute}': {listed}")
    return classes


def _tell(file: PolygonFile, use: PolygonUse, progress: Progress) -> None:
    for line in use.lines(len(file.polygons)):
        progress.note(line)
    if file.repaired:
        progress.note(f"polygons that crossed themselves and were made valid: {file.repaired}")
    if file.left_out:
        progress.note(f"features that are not polygons, left out: {file.left_out}")


def _tell_overlaps(labels: PolygonLabels, progress: Progress) -> None:
    name, scene = next(iter(labels.scenes.items()))
    pairs, unlike = labels.polygons[name].overlaps(abs(scene.transform.determinant))
    if pairs:
        progress.note(
            f"pairs of polygons that overlap by a pixel's area or more: {pairs}, of different classes: {unlike}; "
            "the later polygon in the file counts"
        )


def _check_images(labels: PolygonLabels, file: PolygonFile, progress: Progress) -> None:
    bare = [
        name
        for name, scene in labels.scenes.items()
        if not labels.polygons[name].touching(scene.window, scene.transform)
    ]
    if len(bare) == len(labels.scenes):
        raise DatasetError(
            f"no polygon of {file.path} lies on an image; its CRS is {file.crs[:40]}: check that this is right, "
            "and that images and polygons are of the same place"
        )
    if bare and labels.background == IGNORED:
        raise DatasetError(
            f"{len(bare)} of {len(labels.scenes)} images have no polygon and so no labels (first: '{bare[0]}'); "
            "label them, remove them, or take pixels in no polygon as background",
            option="outside_polygons",
        )
    if bare:
        progress.warn(f"images without a polygon, which are only background: {len(bare)} (first: '{bare[0]}')")
