"""A folder of one's own images, with label rasters of the same names or with polygons."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from manet.datasets.label_codes import Stray
from manet.datasets.labelling import Labels, PolygonLabels, RasterLabels, WithinArea
from manet.datasets.legend_file import LegendFile, read_legend_file
from manet.datasets.manifest import MANIFEST, SPLITS, Area, Manifest
from manet.datasets.prepare import Progress, SourceScene, write_dataset
from manet.datasets.splits import Splits, blocks, by_file, deal, given
from manet.errors import DatasetError
from manet.files import refuse_existing
from manet.legend import IGNORED
from manet.raster.scene import Scene
from manet.raster.windows import Window, tiles

RASTERS = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".jp2", ".vrt", ".img", ".bmp", ".gif")
VECTORS = (".geojson", ".json", ".gpkg", ".shp", ".fgb", ".kml", ".gml")
TYPES = ("uint8", "uint16", "int16", "float32")
GSD_TOLERANCE = 0.05
"""Share by which the ground sampling distances of the images may differ."""


@dataclass(frozen=True)
class FolderSettings:
    """What a folder does not say of itself."""

    labels: Path | None = None
    """A folder of label rasters, or a file of polygons; None for the folder `labels` beside `images`."""
    legend: str | None = None
    """A legend file, or the name of a legend that comes with manet."""
    attribute: str | None = None
    """The attribute of the polygons that says their class."""
    area: Path | None = None
    """Polygons inside which labelling is complete; outside them all is ignored."""
    outside_polygons: Literal["background", "ignore"] | None = None
    split: str = "blocks"
    """file, blocks, or a TOML or CSV file with areas (see splits.py)."""
    seed: int = 0
    stray: Stray = "refuse"


def prepare(
    source: Path | None,
    out: Path,
    overwrite: bool,
    progress: Progress,
    settings: FolderSettings,
) -> Manifest:
    """Images and labels to scenes and class rasters. All is checked before anything is written.

    source: a folder of images, or one with the folders `images` and `labels`.
    Raises DatasetError where images do not go together, labels are missing or not of the legend, or a split is empty.
    """
    if source is None:
        raise DatasetError("folder is made from your images; give their folder with --source")
    refuse_existing(out / MANIFEST, overwrite)
    if settings.legend is None:
        raise DatasetError("labels need a legend; give --legend, a TOML file or buildings or isprs")
    legend = read_legend_file(settings.legend)
    scenes = find_scenes(source / "images" if (source / "images").is_dir() else source)
    bands = check_alike(scenes, progress)
    labels = _labels(scenes, source, legend, settings, progress)
    if settings.area is not None:
        labels = WithinArea.of(settings.area, labels, scenes)
        progress(f"pixels outside the area of {settings.area.name}: ignored")
    splits = _splits(scenes, labels, settings)
    _tell_splits(splits, progress)
    return write_dataset(
        out,
        dataset=out.resolve().name,
        legend=legend.legend,
        bands=bands,
        scenes=[_source_scene(name, scene, labels) for name, scene in scenes.items()],
        splits=splits,
        attribution=f"Images and labels of the folder '{source.resolve().name}'; the owner's terms apply.",
        overwrite=overwrite,
        progress=progress,
    )


def find_files(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Files of some kinds by their names without suffix. Raises DatasetError where two have the same."""
    if not folder.is_dir():
        raise DatasetError(f"no folder {folder}; give the one that holds the files")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in suffixes and not path.name.startswith("."):
            if path.stem in found:
                raise DatasetError(f"{found[path.stem]} and {path.name} have one name; rename or remove one of them")
            found[path.stem] = path
    return found


def find_scenes(folder: Path) -> dict[str, Scene]:
    """The images of a folder. Raises DatasetError where there are none."""
    paths = find_files(folder, RASTERS)
    if not paths:
        raise DatasetError(f"{folder} has no images ({', '.join(RASTERS)}); give the folder that holds them")
    return {name: Scene(path) for name, path in paths.items()}


def check_alike(scenes: dict[str, Scene], progress: Progress) -> tuple[str, ...]:
    """The names of the bands. Raises DatasetError where images differ in bands, number type or ground sampling."""
    first = next(iter(scenes.values()))
    if "palette" in first.band_names or first.dtype not in TYPES:
        kind = "a palette" if "palette" in first.band_names else first.dtype
        raise DatasetError(f"{first.path} is of {kind}; expected {', '.join(TYPES)}: convert with gdal_translate")
    gsd_m = first.gsd_m()
    for scene in scenes.values():
        got, other = scene.gsd_m(), ""
        if scene.bands != first.bands:
            other = f"{scene.bands} bands, {{}} {first.bands}"
        elif scene.dtype != first.dtype:
            other = f"{scene.dtype} values, {{}} {first.dtype}"
        elif not _unnamed(scene.band_names + first.band_names) and scene.band_names != first.band_names:
            other = f"the bands {', '.join(scene.band_names)}, {{}} {', '.join(first.band_names)}"
        elif (got is None) != (gsd_m is None):
            other = f"{'no' if got is None else 'a'} CRS, {{}} {'none' if gsd_m is None else 'one'}"
        elif got and gsd_m and abs(got / gsd_m - 1) > GSD_TOLERANCE:
            other = f"{got:.3g} m a pixel, {{}} {gsd_m:.3g} m"
        if other:
            raise DatasetError(
                f"{scene.path} has {other.format(first.path + ' has')}; images of one dataset must be alike: "
                "convert it, or prepare it apart"
            )
    names = tuple(first.band_names)
    if len(set(names)) < len(names) or _unnamed(first.band_names):
        names = tuple(f"band {number}" for number in range(1, len(names) + 1))
    ground = f"{gsd_m:.3g} m a pixel" if gsd_m else "no CRS"
    progress(f"{len(scenes)} images of {first.dtype}, bands {', '.join(names)}, {ground}")
    if first.has_alpha:
        progress("the alpha band says which pixels are valid; if it is imagery, use gdal_edit -colorinterp_4 undefined")
    return names


def _unnamed(names: list[str]) -> bool:
    """Whether a band's name says nothing."""
    return bool({"undefined", "gray"} & set(names))


def _labels(
    scenes: dict[str, Scene], source: Path, legend: LegendFile, settings: FolderSettings, progress: Progress
) -> Labels:
    where = settings.labels or source / "labels"
    if where.is_dir():
        paths = find_files(where, RASTERS)
        if not paths and (vectors := find_files(where, VECTORS)):
            file = next(iter(vectors.values()))
            raise DatasetError(f"{where} has no label rasters; for polygons give their file: --labels {file}")
        if missing := [name for name in scenes if name not in paths]:
            raise DatasetError(
                f"{len(missing)} of {len(scenes)} images have no labels in {where} (first: '{missing[0]}'); "
                "labels must have their image's name: add them, or take the images away"
            )
        if settings.outside_polygons or settings.attribute:
            raise DatasetError("--outside-polygons and --attribute are for polygons; leave them out with rasters")
        if unused := len(paths) - len(scenes):
            progress(f"{unused} label rasters have no image and are left out")
        rasters = RasterLabels(scenes, paths, legend)
        rasters.check(settings.stray, progress)
        return rasters
    if not where.exists():
        raise DatasetError(f"no labels at {where}; give --labels, a folder of rasters or a file of polygons")
    if settings.outside_polygons is None:
        raise DatasetError(
            "polygons do not say what lies between them; say it with --outside-polygons background (all is drawn) "
            "or ignore (some is missing)"
        )
    return PolygonLabels(scenes, where, settings.attribute, legend, settings.outside_polygons, settings.stray, progress)


def _splits(scenes: dict[str, Scene], labels: Labels, settings: FolderSettings) -> Splits:
    wholes = {name: scene.window for name, scene in scenes.items()}

    def labelled(area: Area) -> bool:
        return _any_label(scenes[area.scene], area, labels)

    if settings.split == "blocks":
        return deal([area for area in blocks(wholes) if labelled(area)], settings.seed)
    splits = by_file(wholes, settings.seed) if settings.split == "file" else given(Path(settings.split), wholes)
    for split, areas in splits.items():
        if areas and not any(labelled(area) for area in areas):
            raise DatasetError(f"the {split} split has no labelled pixel; split otherwise (--split, --seed)")
    return splits


def _any_label(scene: Scene, area: Area, labels: Labels) -> bool:
    """Whether an area has a valid pixel with a label."""
    for part in tiles(area.height, area.width):
        window = Window(area.row + part.row, area.col + part.col, part.height, part.width)
        if (known := labels.read(area.scene, window) != IGNORED).any() and (known & scene.read(window)[1]).any():
            scene.close()
            return True
    scene.close()
    return False


def _tell_splits(splits: Splits, progress: Progress) -> None:
    sizes = {split: sum(area.height * area.width for area in splits[split]) for split in SPLITS}
    progress("areas: " + ", ".join(f"{split} {len(splits[split])} ({sizes[split] / 1e6:.1f} Mpx)" for split in SPLITS))


def _source_scene(name: str, scene: Scene, labels: Labels) -> SourceScene:
    def image(window: Window) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        read = scene.read(window)
        if window.bottom == scene.height and window.right == scene.width:  # the last one; folders may be of thousands
            scene.close()
        return read

    read: Callable[[Window], NDArray[np.uint8]] = lambda window: labels.read(name, window)  # noqa: E731
    return SourceScene(
        name=name,
        height=scene.height,
        width=scene.width,
        dtype=scene.dtype,
        crs=scene.crs,
        transform=scene.transform,
        image=image,
        labels=read,
    )
