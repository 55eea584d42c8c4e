"""From a folder of images and labels to the one form of a prepared dataset."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.datasets.label_classes import SceneLabels
from manet.datasets.legend_file import read_legend_file
from manet.datasets.manifest import MANIFEST, SPLITS, Area, Manifest
from manet.datasets.prepare import SourceDataset, SourceScene, write_dataset
from manet.datasets.sources.folder.images import check_alike, find_scenes, without_collars
from manet.datasets.sources.folder.labels import open_labels
from manet.datasets.sources.folder.settings import FolderSettings
from manet.datasets.splits import Splits, blocks, by_file, deal, given
from manet.errors import DatasetError, OptionError
from manet.files import refuse_existing
from manet.legend import IGNORED
from manet.progress import QUIET, Progress
from manet.raster.scene import Scene
from manet.raster.windows import Window


def prepare(
    source: Path, out: Path, settings: FolderSettings, *, overwrite: bool = False, progress: Progress = QUIET
) -> Manifest:
    """Turn images and labels into scenes and class rasters. Everything is checked before anything is written.

    Args:
        source: A folder of images, or one with the folders `images` and `labels`.
        out: Folder of the prepared dataset, which gets this folder's name.
        settings: What the folder does not say about itself.
        overwrite: Whether a dataset that is in `out` is replaced.
        progress: Told of every step, and of what is ignored.

    Raises:
        OptionError: A setting is missing, or does not go with the labels.
        DatasetNotFoundError: Images, labels, the legend or the split are missing.
        DatasetError: Images are not alike, labels do not lie on them or are not of the legend, or a split is empty.
        SceneError: A file is not an image.
        OutputError: There is a dataset in `out`, or it cannot be written.
    """
    refuse_existing(out / MANIFEST, overwrite)
    if settings.legend is None:
        raise OptionError("labels need a legend; expected a TOML file, 'buildings' or 'isprs'", option="legend")
    legend = read_legend_file(settings.legend)
    scenes = find_scenes(source / "images" if (source / "images").is_dir() else source)
    bands = check_alike(scenes, progress)
    scenes = without_collars(scenes, settings.collar, progress)
    labels = open_labels(scenes, source, legend, settings, progress)
    splits = _splits(scenes, labels, settings)
    sizes = {split: sum(area.height * area.width for area in splits[split]) / 1e6 for split in SPLITS}
    progress.note("areas: " + ", ".join(f"{split} {len(splits[split])} ({sizes[split]:.1f} Mpx)" for split in SPLITS))
    dataset = SourceDataset(
        name=out.resolve().name,
        legend=legend.legend,
        bands=bands,
        scenes=[_source_scene(name, scene, labels) for name, scene in scenes.items()],
        splits=splits,
        attribution=f"Images and labels of the folder '{source.resolve().name}'; the owner's terms apply.",
    )
    return write_dataset(out, dataset, overwrite=overwrite, progress=progress)


def _splits(scenes: dict[str, Scene], labels: SceneLabels, settings: FolderSettings) -> Splits:
    windows = {name: scene.window for name, scene in scenes.items()}

    def is_labelled(area: Area) -> bool:
        return _has_labels(scenes[area.scene], area, labels)

    if settings.split == "blocks":
        return deal([area for area in blocks(windows) if is_labelled(area)], settings.seed)
    splits = by_file(windows, settings.seed) if settings.split == "file" else given(Path(settings.split), windows)
    for split, areas in splits.items():
        if areas and not any(is_labelled(area) for area in areas):
            raise DatasetError(f"the {split} split has no labelled pixel; choose another split or seed", option="split")
    return splits


def _has_labels(scene: Scene, area: Area, labels: SceneLabels) -> bool:
    """Whether an area has a valid pixel with a label."""
    for window in area.tiles():
        if (known := labels.read(area.scene, window) != IGNORED).any() and (known & scene.read(window)[1]).any():
            scene.close()
            return True
    scene.close()
    return False


def _source_scene(name: str, scene: Scene, labels: SceneLabels) -> SourceScene:
    def image(window: Window) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        read = scene.read(window)
        if window.bottom == scene.height and window.right == scene.width:  # the last one; there may be thousands
            scene.close()
        return read

    return SourceScene(
        name=name,
        height=scene.height,
        width=scene.width,
        dtype=scene.dtype,
        crs=scene.crs,
        transform=scene.transform,
        image=image,
        labels=lambda window: labels.read(name, window),
    )
