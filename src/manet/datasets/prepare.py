"""From a source to the one form: what all sources share."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.datasets.band_statistics import Moments
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
from manet.datasets.unfinished import Unfinished
from manet.errors import DatasetError, SceneError
from manet.files import refuse_existing, replacing
from manet.legend import IGNORED, Legend
from manet.raster.scene import Scene
from manet.raster.windows import Window, tiles
from manet.raster.writer import write_classes, write_image

Progress = Callable[[str], None]
"""Called with a line about what is being done."""

ReadLabels = Callable[[Window], NDArray[np.uint8]]
"""window -> (height, width) of class indices or IGNORED."""


@dataclass(frozen=True)
class SourceScene:
    """A scene as a source gives it: windows of image and labels on demand.

    image(window) -> (bands, height, width) and which pixels are valid (height, width).
    """

    name: str
    height: int
    width: int
    dtype: str
    crs: object
    transform: object
    image: Callable[[Window], tuple[NDArray[np.generic], NDArray[np.bool_]]]
    labels: ReadLabels | None
    """None where the publisher keeps them to himself."""
    eroded: ReadLabels | None = None
    """The labels with ignored boundaries, where there is such a version."""
    opened: Callable[[], AbstractContextManager[None]] = nullcontext
    """Within it windows are read, each once; it may find at its end that what was read is not as it must be."""
    stamp: str | None = None
    """Says what the scene is made from, and how. A scene of the same stamp is not made again by a second run."""


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
    gsd_m: float | None = None,
) -> Manifest:
    """Write scenes, labels and manifest to a folder; the manifest comes last, so a folder with one is whole.
    Pixels that are not valid have no label. What a run leaves that was stopped, the next one takes over.

    gsd_m: the ground sampling distance by the publisher's word, for scenes that do not say theirs.
    Raises DatasetError where the splits are not as they must be, OutputError where `out` holds a dataset already.
    """
    refuse_existing(out / MANIFEST, overwrite)
    entries = tuple(_entry(scene) for scene in scenes)
    check_areas(entries, splits)
    (out / MANIFEST).unlink(missing_ok=True)
    _write_scenes(out, scenes, entries, bands, legend, progress)
    progress("band statistics of the training split")
    with Scene(out / entries[0].image) as first:
        gsd_m = first.gsd_m() or gsd_m
    manifest = Manifest(
        dataset=dataset,
        legend=legend,
        bands=bands,
        dtype=scenes[0].dtype,
        gsd_m=None if gsd_m is None else round(gsd_m, 9),  # what is beyond depends on the machine
        scenes=entries,
        splits=splits,
        statistics=band_statistics(out, entries, splits["train"]),
        pixels={split: class_pixels(out, entries, splits.get(split, ()), len(legend)) for split in SPLITS},
        attribution=attribution,
    )
    with replacing(out / MANIFEST) as partial:
        partial.write_text(manifest.model_dump_json(indent=1, by_alias=True), encoding="utf-8")
    Unfinished(out).forget()
    return manifest


def _entry(scene: SourceScene) -> SceneEntry:
    return SceneEntry(
        name=scene.name,
        image=f"images/{scene.name}.tif",
        labels=f"labels/{scene.name}.tif" if scene.labels else None,
        eroded=f"eroded/{scene.name}.tif" if scene.eroded else None,
        height=scene.height,
        width=scene.width,
    )


def _write_scenes(
    out: Path,
    scenes: list[SourceScene],
    entries: tuple[SceneEntry, ...],
    bands: tuple[str, ...],
    legend: Legend,
    progress: Progress,
) -> None:
    """Scenes with a stamp are tried each, so that all that is wrong is said at once, and the rest is kept."""
    unfinished = Unfinished(out)
    kept, wrong = 0, list[str]()
    for scene, entry in zip(scenes, entries, strict=True):
        if scene.stamp is not None and unfinished.holds(entry, scene.stamp):
            kept += 1
            continue
        progress(f"writing scene '{scene.name}' ({scene.height} x {scene.width})")
        try:
            _write_scene(out, scene, entry, bands, legend)
        except (DatasetError, SceneError) as error:
            if scene.stamp is None:
                raise
            wrong.append(str(error))
        else:
            if scene.stamp is not None:
                unfinished.add(entry, scene.stamp)
    if kept:
        progress(f"{kept} scenes were there already, from an earlier run")
    if len(wrong) < len(scenes):
        refuse_all(wrong, f"; the other {len(scenes) - len(wrong)} scenes are kept for the next run")
    refuse_all(wrong)


def refuse_all(wrong: list[str], after: str = "") -> None:
    """Raises DatasetError where anything is wrong, with the first of it in one line."""
    if wrong:
        raise DatasetError("; ".join(wrong[:3]) + (f"; and {len(wrong) - 3} more" if len(wrong) > 3 else "") + after)


def _write_scene(out: Path, scene: SourceScene, entry: SceneEntry, bands: tuple[str, ...], legend: Legend) -> None:
    place = {"height": scene.height, "width": scene.width, "crs": scene.crs, "transform": scene.transform}
    versions = [
        (path, read)
        for path, read in ((entry.given_labels, scene.labels), (entry.eroded, scene.eroded))
        if path is not None and read is not None
    ]
    with ExitStack() as stack:
        image_file = stack.enter_context(
            write_image(out / entry.image, band_names=list(bands), dtype=scene.dtype, overwrite=True, **place)
        )
        label_files = [
            stack.enter_context(write_classes(out / path, legend=legend, overwrite=True, **place))
            for path, _ in versions
        ]
        stack.enter_context(scene.opened())
        for window in tiles(scene.height, scene.width):
            image, valid = scene.image(window)
            image_file.write(image, window, valid)
            for label_file, (_, read) in zip(label_files, versions, strict=True):
                label_file.write(np.where(valid, read(window), np.uint8(IGNORED)), window)


def band_statistics(folder: Path, scenes: tuple[SceneEntry, ...], areas: tuple[Area, ...]) -> BandStatistics:
    """Mean, deviation and range of the valid pixels of some areas, read window by window.

    Raises DatasetError where the areas hold no valid pixel.
    """
    sums: Moments | None = None
    for image, valid in _windows_of(folder, scenes, areas, "image"):
        values = image.reshape(len(image), -1) if valid.all() else image[:, valid]
        if values.size:
            sums = sums or Moments(values)
            sums.add(values)
    if sums is None:
        raise DatasetError("the train split has no valid pixel; check the split and the nodata of its scenes")
    return sums.statistics()


def class_pixels(
    folder: Path, scenes: tuple[SceneEntry, ...], areas: tuple[Area, ...], classes: int
) -> tuple[int, ...]:
    """Pixels of each class in some areas; none where scenes have no labels.

    Raises DatasetError at the first label that is neither a class index nor IGNORED.
    """
    counts = np.zeros(IGNORED + 1, np.int64)
    for labels, _ in _windows_of(folder, scenes, areas, "given_labels"):
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
    paths = {scene.name: folder / path for scene in scenes if (path := getattr(scene, what)) is not None}
    for area in areas:
        if area.scene not in paths:
            continue
        with Scene(paths[area.scene]) as scene:
            for part in tiles(area.height, area.width):
                yield scene.read(Window(area.row + part.row, area.col + part.col, part.height, part.width))
