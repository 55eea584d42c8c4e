"""From a source to the one form: what all sources share."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.datasets.manifest import (
    MANIFEST,
    SPLITS,
    Area,
    BandStatistics,
    Manifest,
    SceneEntry,
    Split,
    check_areas,
)
from manet.errors import DatasetError
from manet.legend import IGNORED, Legend
from manet.raster.scene import Scene
from manet.raster.windows import Window, strips
from manet.raster.writer import refuse_existing, replacing, write_classes, write_image

Progress = Callable[[str], None]
"""Called with a line about what is being done."""


@dataclass(frozen=True)
class SourceScene:
    """A scene as a source gives it: windows of image and labels on demand.

    image(window) -> (bands, height, width) and which pixels are valid (height, width);
    labels(window) -> (height, width) of class indices or IGNORED.
    """

    name: str
    height: int
    width: int
    dtype: str
    crs: object
    transform: object
    image: Callable[[Window], tuple[NDArray[np.generic], NDArray[np.bool_]]]
    labels: Callable[[Window], NDArray[np.uint8]]


def write_dataset(
    out: Path,
    *,
    dataset: str,
    legend: Legend,
    bands: tuple[str, ...],
    scenes: list[SourceScene],
    splits: dict[Split, tuple[Area, ...]],
    attribution: str,
    overwrite: bool,
    progress: Progress,
) -> Manifest:
    """Write scenes, labels and manifest to a folder; the manifest comes last, so a folder with one is whole.
    Pixels that are not valid have no label.

    Raises DatasetError where the splits are not as they must be, OutputError where `out` holds a dataset already.
    """
    refuse_existing(out / MANIFEST, overwrite)
    entries = tuple(
        SceneEntry(
            name=s.name, image=f"images/{s.name}.tif", labels=f"labels/{s.name}.tif", height=s.height, width=s.width
        )
        for s in scenes
    )
    check_areas(entries, splits)
    (out / MANIFEST).unlink(missing_ok=True)
    for scene, entry in zip(scenes, entries, strict=True):
        progress(f"writing scene '{scene.name}' ({scene.height} x {scene.width})")
        _write_scene(out, scene, entry, bands, legend)
    progress("band statistics of the training split")
    with Scene(out / entries[0].image) as first:
        gsd_m = first.gsd_m()
    manifest = Manifest(
        dataset=dataset,
        legend=legend,
        bands=bands,
        dtype=scenes[0].dtype,
        gsd_m=gsd_m,
        scenes=entries,
        splits=splits,
        statistics=band_statistics(out, entries, splits["train"]),
        pixels={split: class_pixels(out, entries, splits.get(split, ()), len(legend)) for split in SPLITS},
        attribution=attribution,
    )
    with replacing(out / MANIFEST) as partial:
        partial.write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
    return manifest


def _write_scene(out: Path, scene: SourceScene, entry: SceneEntry, bands: tuple[str, ...], legend: Legend) -> None:
    place = {"height": scene.height, "width": scene.width, "crs": scene.crs, "transform": scene.transform}
    with (
        write_image(
            out / entry.image, band_names=list(bands), dtype=scene.dtype, overwrite=True, **place
        ) as image_file,
        write_classes(out / entry.labels, legend=legend, overwrite=True, **place) as label_file,
    ):
        for window in strips(scene.height, scene.width):
            image, valid = scene.image(window)
            image_file.write(image, window, valid)
            label_file.write(np.where(valid, scene.labels(window), np.uint8(IGNORED)), window)


def band_statistics(folder: Path, scenes: tuple[SceneEntry, ...], areas: tuple[Area, ...]) -> BandStatistics:
    """Mean, deviation and range of the valid pixels of some areas, read window by window.

    Raises DatasetError where the areas hold no valid pixel.
    """
    count, shift, total, square = 0, None, 0.0, 0.0
    low, high = np.array(np.inf), np.array(-np.inf)
    for image, valid in _windows_of(folder, scenes, areas, "image"):
        values = image[:, valid].astype(np.float64)
        if not values.size:
            continue
        if shift is None:  # sums of squares lose digits when the mean is far from 0
            shift = values.mean(axis=1, keepdims=True)
        count += values.shape[1]
        total = total + (values - shift).sum(axis=1)
        square = square + ((values - shift) ** 2).sum(axis=1)
        low, high = np.minimum(low, values.min(axis=1)), np.maximum(high, values.max(axis=1))
    if shift is None:
        raise DatasetError("the train split has no valid pixel; check the split and the nodata of its scenes")
    variance = square / count - (total / count) ** 2
    std = np.where(variance > 0, np.sqrt(np.maximum(variance, 0)), 1)  # a constant band is centred, not divided by 0
    mean = shift[:, 0] + total / count
    return BandStatistics(mean=tuple(mean), std=tuple(std), minimum=tuple(low), maximum=tuple(high))


def class_pixels(
    folder: Path, scenes: tuple[SceneEntry, ...], areas: tuple[Area, ...], classes: int
) -> tuple[int, ...]:
    """Pixels of each class in some areas.

    Raises DatasetError at the first label that is neither a class index nor IGNORED.
    """
    counts = np.zeros(IGNORED + 1, np.int64)
    for labels, _ in _windows_of(folder, scenes, areas, "labels"):
        counts += np.bincount(labels.ravel(), minlength=IGNORED + 1)
    if (stray := np.flatnonzero(counts[classes:IGNORED])).size:
        raise DatasetError(
            f"labels hold the value {stray[0] + classes}, {counts[stray[0] + classes]} times; "
            f"expected 0 to {classes - 1}, or {IGNORED} for ignored pixels"
        )
    return tuple(int(n) for n in counts[:classes])


def _windows_of(
    folder: Path, scenes: tuple[SceneEntry, ...], areas: tuple[Area, ...], what: str
) -> Iterator[tuple[NDArray[np.generic], NDArray[np.bool_]]]:
    paths = {scene.name: folder / getattr(scene, what) for scene in scenes}
    for area in areas:
        with Scene(paths[area.scene]) as scene:
            for part in strips(area.height, area.width):
                yield scene.read(Window(area.row + part.row, area.col + part.col, part.height, part.width))
