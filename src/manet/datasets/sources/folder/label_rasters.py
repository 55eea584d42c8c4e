"""Label rasters of a folder: whether they lie on their images, and hold only what the legend knows."""

from collections import Counter
from pathlib import Path

import numpy as np
import rasterio.crs
from pyproj import CRS

from manet.datasets.label_classes import MASKED, LabelWindow, RasterLabels, is_by_colour
from manet.datasets.legend_file import LegendFile
from manet.datasets.strays import FolderStrayChoice, Strays
from manet.errors import DatasetError
from manet.legend import IGNORED
from manet.progress import Progress
from manet.raster.label_raster import LabelRaster
from manet.raster.scene import Scene
from manet.raster.vectors import corners_of
from manet.raster.windows import tiles

MOST = 12
"""How many values are listed."""

NOISE, MOSTLY = 64, 0.95
"""Values within so much of 0 and 255 are noise of lossy compression where so large a share of the pixels has them."""


def open_rasters(
    scenes: dict[str, Scene], paths: dict[str, Path], legend: LegendFile, stray: FolderStrayChoice, progress: Progress
) -> RasterLabels:
    """Open the label rasters of scenes and check them; all are read once.

    Args:
        scenes: Images by name.
        paths: Label rasters by the same names.
        legend: The classes, and what labels hold for them.
        stray: What happens to labels that the legend does not know; "nearest": they are rounded to what it knows.
        progress: Told how the labels are distinguished, and what is ignored.

    Raises:
        DatasetError: A raster does not lie on its image, or holds what the legend does not know and that is refused.
        SceneError: A raster cannot be read.
    """
    rasters = {name: LabelRaster(paths[name]) for name in scenes}
    for name, scene in scenes.items():
        _check_place(scene, rasters[name])
    mask, lossy = _is_mask(rasters, legend)
    labels = RasterLabels(rasters, legend, mask, nearest=stray == "nearest")
    if labels.mask:
        first, second = (one.name for one in legend.classes)
        progress.note(f"the labels are masks: 0 is taken for '{first}', 255 for '{second}'")
    strays, kinds, meant = Strays(), Counter[str](), Counter[tuple[int, int]]()
    for name, raster in labels.rasters.items():
        by_colour = is_by_colour(raster, legend)
        kinds["colours" if by_colour else "values"] += 1
        for window in tiles(raster.height, raster.width):
            found = labels.read_window(name, window)
            strays.add(found, window, raster.path, by_colour)
            if not by_colour:
                _count(found, meant)
    progress.note("label rasters: " + ", ".join(f"{number} by {kind}" for kind, number in kinds.items()))
    if meant:
        progress.note(f"values taken for: {_listed(meant, legend)}")
    _warn_of_nodata(labels, progress)
    if stray == "refuse":
        strays.refuse(
            "they look like masks of 0 and 255 after lossy compression: have them rounded to the nearest"
            if lossy
            else "add it to the legend, as a class or under `ignored`, or have it ignored"
        )
    elif strays.counts:
        progress.note(f"ignored, since the legend does not know it: {strays.listed()}")
    return labels


def _is_mask(rasters: dict[str, LabelRaster], legend: LegendFile) -> tuple[bool, bool]:
    """Whether labels are masks of 0 and 255, for two classes whose values nobody said, and whether with some noise."""
    if len(legend.classes) != 2 or legend.has_values or legend.ignored:
        return False, False
    counts = np.zeros(MASKED + 1, np.int64)
    for raster in rasters.values():
        if is_by_colour(raster, legend) or raster.nodata == MASKED:
            return False, False
        for window in tiles(raster.height, raster.width):
            codes, known = raster.read_values(window)
            values = codes[known]
            if values.size and (values.min() < 0 or values.max() > MASKED):
                return False, False
            counts += np.bincount(values.ravel(), minlength=MASKED + 1)
        raster.close()
    exact, all_of = int(counts[[0, MASKED]].sum()), int(counts.sum())
    if not counts[MASKED]:
        return False, False
    if exact == all_of:
        return True, False
    near = int(counts[:NOISE].sum() + counts[-NOISE:].sum())
    # 0, 1 and 255 are labels of two classes, of which 255 is ignored
    lossy = bool(counts[2:MASKED].any()) and near >= MOSTLY * all_of
    return lossy, lossy


def _count(found: LabelWindow, meant: Counter[tuple[int, int]]) -> None:
    """Count which value was taken for which class."""
    pairs = found.codes[~found.stray] * (IGNORED + 1) + found.classes[~found.stray]
    for pair, number in zip(*np.unique(pairs, return_counts=True), strict=True):
        meant[divmod(int(pair), IGNORED + 1)] += int(number)


def _listed(meant: Counter[tuple[int, int]], legend: LegendFile) -> str:
    """Each value, the class that it was taken for, and its share of the pixels."""
    total = sum(meant.values())
    names = [one.name for one in legend.classes]
    listed = [
        f"{value} {names[index] if index != IGNORED else 'ignored'} ({100 * number / total:.1f} %)"
        for (value, index), number in sorted(meant.items())[:MOST]
    ]
    return ", ".join(listed) + (f" and {len(meant) - MOST} more" if len(meant) > MOST else "")


def _check_place(scene: Scene, raster: LabelRaster) -> None:
    if (raster.height, raster.width) != (scene.height, scene.width):
        raise DatasetError(
            f"{raster.path} has {raster.height} x {raster.width} pixels, its image {scene.path} has {scene.height} x "
            f"{scene.width}; labels must have the size of their image"
        )
    if scene.crs is None or raster.crs is None:
        return
    ours, theirs = (corners_of(scene.window, t) for t in (scene.transform, raster.transform))
    off = float(abs(ours - theirs).max() / abs(scene.transform.determinant) ** 0.5)
    if _of_places(scene.crs) != _of_places(raster.crs):
        what = "another CRS"
    elif off <= 0.5:
        return
    elif np.allclose(np.sort(ours, axis=0), np.sort(theirs, axis=0), rtol=0, atol=abs(scene.transform.a) / 2):
        what = "the same place, but another orientation, such as south up"
    else:
        what = f"off by {off:.1f} pixels"
    raise DatasetError(
        f"{raster.path} lies elsewhere than its image {scene.path} ({what}); warp it onto the image (gdalwarp)"
    )


def _of_places(crs: rasterio.crs.CRS) -> CRS:
    """What a CRS says of places, without heights: an image may have a compound CRS where its labels have none."""
    return CRS.from_wkt(crs.to_wkt()).to_2d()


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
