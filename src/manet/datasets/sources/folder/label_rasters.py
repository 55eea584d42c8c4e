"""Label rasters of a folder: whether they lie on their images, and hold only what the legend knows."""

from collections import Counter
from pathlib import Path

import numpy as np

from manet.datasets.label_classes import RasterLabels, is_by_colour
from manet.datasets.legend_file import LegendFile
from manet.datasets.strays import StrayChoice, Strays
from manet.errors import DatasetError
from manet.progress import Progress
from manet.raster.label_raster import LabelRaster
from manet.raster.scene import Scene
from manet.raster.vectors import bounds_of
from manet.raster.windows import tiles


def open_rasters(
    scenes: dict[str, Scene], paths: dict[str, Path], legend: LegendFile, stray: StrayChoice, progress: Progress
) -> RasterLabels:
    """Open the label rasters of scenes and check them; all are read once.

    Args:
        scenes: Images by name.
        paths: Label rasters by the same names.
        legend: The classes, and what labels hold for them.
        stray: What happens to labels that the legend does not know.
        progress: Told how the labels are distinguished, and what is ignored.

    Raises:
        DatasetError: A raster does not lie on its image, or holds what the legend does not know and that is refused.
        SceneError: A raster cannot be read.
    """
    labels = RasterLabels({name: LabelRaster(paths[name]) for name in scenes}, legend)
    for name, scene in scenes.items():
        _check_place(scene, labels.rasters[name])
    strays, kinds = Strays(), Counter[str]()
    for name, raster in labels.rasters.items():
        by_colour = is_by_colour(raster, legend)
        kinds["colours" if by_colour else "values"] += 1
        for window in tiles(raster.height, raster.width):
            strays.add(labels.read_window(name, window), window, raster.path, by_colour)
    progress.note("label rasters: " + ", ".join(f"{number} by {kind}" for kind, number in kinds.items()))
    _warn_of_nodata(labels, progress)
    if stray == "refuse":
        strays.refuse("add it to the legend, as a class or under `ignored`, or have it ignored")
    elif strays.counts:
        progress.note(f"ignored, since the legend does not know it: {strays.listed()}")
    return labels


def _check_place(scene: Scene, raster: LabelRaster) -> None:
    if (raster.height, raster.width) != (scene.height, scene.width):
        raise DatasetError(
            f"{raster.path} has {raster.height} x {raster.width} pixels, its image {scene.path} has {scene.height} x "
            f"{scene.width}; labels must have the size of their image"
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


def _warn_of_nodata(labels: RasterLabels, progress: Progress) -> None:
    """A nodata value that is also the position of a class can be meant either way; the first one found is reported."""
    legend = labels.legend
    for name, raster in labels.rasters.items():
        by_position = not is_by_colour(raster, legend) and not legend.has_values
        if by_position and raster.nodata in range(len(legend.classes)):
            label = legend.classes[int(raster.nodata or 0)].name
            progress.warn(
                f"labels of '{name}' call {raster.nodata:g} nodata, so it is ignored; "
                f"if it is the class '{label}', give the classes a `value` in the legend"
            )
            return
