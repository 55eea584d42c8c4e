"""The labels of a folder: which files they are in, and which settings they need."""

from pathlib import Path

from manet.datasets.label_classes import LabelsWithin, PolygonLabels, RasterLabels, SceneLabels, place_polygons
from manet.datasets.legend_file import LegendFile
from manet.datasets.sources.folder.images import RASTERS, find_files
from manet.datasets.sources.folder.label_polygons import open_polygons
from manet.datasets.sources.folder.label_rasters import open_rasters
from manet.datasets.sources.folder.settings import FolderSettings
from manet.errors import DatasetError, DatasetNotFoundError, OptionError
from manet.progress import Progress
from manet.raster.scene import Scene
from manet.raster.vectors import read_polygon_file

VECTORS = (".geojson", ".json", ".gpkg", ".shp", ".fgb", ".kml", ".gml")


def open_labels(
    scenes: dict[str, Scene], source: Path, legend: LegendFile, settings: FolderSettings, progress: Progress
) -> SceneLabels:
    """Find the labels of scenes and check them.

    Args:
        scenes: Images by name.
        source: Folder with the folder `labels`, unless the settings name another place.
        legend: The classes, and what labels hold for them.
        settings: What the labels do not say about themselves.
        progress: Told what the labels are.

    Raises:
        DatasetNotFoundError: Labels, or labels of a scene, are missing.
        DatasetError: Labels do not lie on their images, or hold what the legend does not know.
        OptionError: A setting that the labels need is missing, or they cannot have one that was given.
    """
    where = settings.labels or source / "labels"
    if where.is_dir():
        labels: SceneLabels = _rasters(scenes, where, legend, settings, progress)
    elif where.exists():
        labels = open_polygons(scenes, where, legend, settings, progress)
    else:
        raise DatasetNotFoundError(
            f"no labels at {where}; give a folder of label rasters or a file of polygons", option="labels"
        )
    if settings.area is None:
        return labels
    file = read_polygon_file(settings.area)
    area = PolygonLabels(scenes, place_polygons(file, [1] * len(file.polygons), scenes), background=0)
    if not any(area.polygons[name].touching(scene.window, scene.transform) for name, scene in scenes.items()):
        raise DatasetError(
            f"no polygon of the area {settings.area} lies on an image; its CRS is {file.crs[:40]}: check that this is "
            "right, and that both are of the same place",
            option="area",
        )
    progress.note(f"pixels outside the area of {settings.area.name}: ignored")
    return LabelsWithin(labels, area)


def _rasters(
    scenes: dict[str, Scene], folder: Path, legend: LegendFile, settings: FolderSettings, progress: Progress
) -> RasterLabels:
    paths = find_files(folder, RASTERS)
    if not paths and (vectors := find_files(folder, VECTORS)):
        file = next(iter(vectors.values()))
        raise DatasetError(
            f"{folder} has no label rasters; if polygons are the labels, give their file, such as {file}",
            option="labels",
        )
    if missing := [name for name in scenes if name not in paths]:
        alike = [name for name in paths if name.casefold() == missing[0].casefold()]
        but = f", though some of '{alike[0]}', whose letters differ in case" if alike else ""
        raise DatasetNotFoundError(
            f"{len(missing)} of {len(scenes)} images have no labels in {folder} (first: '{missing[0]}'{but}); "
            "labels must have their image's name: add them, or remove the images"
        )
    for option in ("outside_polygons", "attribute"):
        if getattr(settings, option):
            raise OptionError(
                f"the setting {option} is for polygons, and the labels in {folder} are rasters; leave it out",
                option=option,
            )
    if unused := len(paths) - len(scenes):
        progress.note(f"label rasters without an image, left out: {unused}")
    return open_rasters(scenes, paths, legend, settings.stray, progress)
