"""From a source to the one form of a prepared dataset: what all sources share."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.datasets.band_statistics import band_statistics
from manet.datasets.class_pixels import class_pixels
from manet.datasets.manifest import MANIFEST, SPLITS, Area, Manifest, SceneEntry, Split, check_areas
from manet.datasets.overlaps import ScenePlace, overlaps
from manet.datasets.unfinished import Unfinished
from manet.errors import DatasetError, ManetError, OutputError, SceneError
from manet.files import refuse_existing, replacing
from manet.legend import IGNORED, Legend
from manet.progress import QUIET, Progress
from manet.raster.scene import Scene
from manet.raster.windows import Window, tiles
from manet.raster.writer import write_classes, write_image

ReadImage = Callable[[Window], tuple[NDArray[np.generic], NDArray[np.bool_]]]
"""From a window to the image (bands, height, width) and to which pixels are valid (height, width)."""

ReadLabels = Callable[[Window], NDArray[np.uint8]]
"""From a window to class indices or IGNORED (height, width)."""


@dataclass(frozen=True)
class SourceScene:
    """A scene as a source gives it: windows of image and labels on demand."""

    name: str
    height: int
    width: int
    dtype: str
    crs: object
    transform: object
    image: ReadImage
    labels: ReadLabels | None
    """None if the publisher keeps them secret."""
    eroded: ReadLabels | None = None
    """The labels with ignored boundaries between classes, if there is such a version."""
    opened: Callable[[], AbstractContextManager[None]] = nullcontext
    """A context in which each window is read once. At its end it may raise an error about what was read."""
    stamp: str | None = None
    """Stands for everything that the scene is made from. A second run keeps a scene with the same stamp."""


@dataclass(frozen=True)
class SourceDataset:
    """A dataset as a source gives it."""

    name: str
    legend: Legend
    bands: tuple[str, ...]
    scenes: Sequence[SourceScene]
    splits: dict[Split, tuple[Area, ...]]
    attribution: str
    gsd_m: float | None = None
    """Ground sampling distance according to the publisher, for scenes that have no CRS, metres."""

    @property
    def entries(self) -> tuple[SceneEntry, ...]:
        """The scenes as the manifest lists them."""
        return tuple(
            SceneEntry(
                name=scene.name,
                image=f"images/{scene.name}.tif",
                labels=f"labels/{scene.name}.tif" if scene.labels else None,
                eroded=f"eroded/{scene.name}.tif" if scene.eroded else None,
                height=scene.height,
                width=scene.width,
            )
            for scene in self.scenes
        )


def write_dataset(
    out: Path, dataset: SourceDataset, *, overwrite: bool = False, progress: Progress = QUIET
) -> Manifest:
    """Write scenes, labels and manifest to a folder.

    The manifest is written last, so a folder with a manifest is complete. Pixels that are not valid get no label. What
    an interrupted run left is kept.

    Args:
        out: Folder of the prepared dataset.
        dataset: What to write.
        overwrite: Whether a dataset that is there is replaced.
        progress: Told of every scene.

    Returns:
        The manifest, which is in the folder too.

    Raises:
        DatasetError: The splits overlap or reach beyond scenes, or labels are not as they must be.
        SceneError: A scene cannot be read.
        OutputError: There is a dataset in `out`, or it cannot be written.
    """
    refuse_existing(out / MANIFEST, overwrite)
    entries = dataset.entries
    check_areas(entries, dataset.splits)
    for overlap in overlaps({s.name: ScenePlace(s.crs, s.transform) for s in dataset.scenes}, dataset.splits):
        progress.warn(str(overlap))
    _refuse_foreign(out, entries)
    Unfinished(out).begin()
    (out / MANIFEST).unlink(missing_ok=True)
    _write_scenes(out, dataset, progress)
    progress.note("computing the band statistics of the train split")
    with Scene(out / entries[0].image) as first:
        gsd_m = first.gsd_m() or dataset.gsd_m
    manifest = Manifest(
        dataset=dataset.name,
        legend=dataset.legend,
        bands=dataset.bands,
        dtype=dataset.scenes[0].dtype,
        gsd_m=None if gsd_m is None else round(gsd_m, 9),  # further digits depend on the machine
        scenes=entries,
        splits=dataset.splits,
        statistics=band_statistics(out, entries, dataset.splits["train"]),
        pixels={
            split: class_pixels(out, entries, dataset.splits.get(split, ()), len(dataset.legend)) for split in SPLITS
        },
        attribution=dataset.attribution,
    )
    for split, counts in manifest.pixels.items():
        missing = [name for name, count in zip(manifest.legend.names, counts, strict=True) if not count]
        if missing and any(counts):  # hidden labels are all missing
            progress.warn(f"no pixel of the {split} split has the class {', '.join(missing)}")
    with replacing(out / MANIFEST) as partial:
        partial.write_text(manifest.model_dump_json(indent=1, by_alias=True), encoding="utf-8")
    Unfinished(out).forget()
    return manifest


def _refuse_foreign(out: Path, entries: tuple[SceneEntry, ...]) -> None:
    """Raises OutputError where files would be replaced that are of no prepared dataset: they may be the user's."""
    if (out / MANIFEST).exists() or Unfinished(out).exists:
        return
    for entry in entries:
        for file in (entry.image, entry.given_labels, entry.eroded):
            if file is not None and (out / file).exists():
                raise OutputError(
                    f"{out / file} is there and is of no prepared dataset, so it is not replaced; give another folder"
                )


def _write_scenes(out: Path, dataset: SourceDataset, progress: Progress) -> None:
    """Scenes with a stamp are all tried, so that all their errors are reported at once and the rest is kept."""
    unfinished, total = Unfinished(out), len(dataset.scenes)
    kept, wrong = 0, list[ManetError]()
    for number, (scene, entry) in enumerate(zip(dataset.scenes, dataset.entries, strict=True)):
        if scene.stamp is not None and unfinished.holds(entry, scene.stamp):
            kept += 1
            continue
        progress.count("writing scenes", number, total)
        progress.note(f"writing scene '{scene.name}' ({scene.height} x {scene.width})")
        try:
            _write_scene(out, dataset, scene, entry)
        except (DatasetError, SceneError) as error:
            if scene.stamp is None:
                raise
            wrong.append(error)
        else:
            if scene.stamp is not None:
                unfinished.add(entry, scene.stamp)
    progress.count("writing scenes", total, total)
    if kept:
        progress.note(f"scenes kept from an earlier run: {kept}")
    if len(wrong) < total:
        refuse_all(wrong, f"; other scenes kept for the next run: {total - len(wrong)}")
    refuse_all(wrong)


def refuse_all(errors: Sequence[ManetError], after: str = "") -> None:
    """Report all errors in one line; the first three are quoted.

    Raises:
        DatasetError: There are errors.
    """
    if errors:
        more = f"; and {len(errors) - 3} more" if len(errors) > 3 else ""
        option = next((error.option for error in errors if error.option), None)
        raise DatasetError("; ".join(map(str, errors[:3])) + more + after, option=option)


def _write_scene(out: Path, dataset: SourceDataset, scene: SourceScene, entry: SceneEntry) -> None:
    georeference = {"height": scene.height, "width": scene.width, "crs": scene.crs, "transform": scene.transform}
    versions = [
        (path, read)
        for path, read in ((entry.given_labels, scene.labels), (entry.eroded, scene.eroded))
        if path is not None and read is not None
    ]
    with ExitStack() as stack:
        image_file = stack.enter_context(
            write_image(
                out / entry.image,
                band_names=list(dataset.bands),
                dtype=scene.dtype,
                overwrite=True,
                **georeference,
            )
        )
        label_files = [
            stack.enter_context(write_classes(out / path, legend=dataset.legend, overwrite=True, **georeference))
            for path, _ in versions
        ]
        stack.enter_context(scene.opened())
        for window in tiles(scene.height, scene.width):
            image, valid = scene.image(window)
            image_file.write(image, window, valid)
            for label_file, (_, read) in zip(label_files, versions, strict=True):
                label_file.write(np.where(valid, read(window), np.uint8(IGNORED)), window)
