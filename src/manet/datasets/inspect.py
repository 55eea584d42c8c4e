"""A prepared dataset inspected before training: what it holds, and what is likely to be wrong with it."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.datasets.alignment import Alignment, EdgeFit
from manet.datasets.class_pixels import check_counts
from manet.datasets.duplicates import Fingerprints, Shared
from manet.datasets.manifest import SPLITS, Area, Manifest, Split
from manet.datasets.overlaps import ScenePlace, overlaps
from manet.datasets.sources.folder.images import GSD_TOLERANCE
from manet.errors import DatasetError
from manet.legend import IGNORED
from manet.progress import QUIET, Progress
from manet.raster.scene import Scene
from manet.raster.windows import Window, grid

RARE = 0.005
"""A class is called rare if its share of the train split's labels is smaller."""

SATURATED = 0.02
"""A band is reported if this share of its valid pixels has its largest, or smallest, value."""

MUCH_NODATA = 0.25
"""A split is reported if this share of its pixels is not valid."""

ALIGNMENT_SCENES, ALIGNMENT_WINDOWS, ALIGNMENT_SIZE = 12, 4, 768
"""How many scenes are inspected for misalignment, how many windows in each, and the windows' height and width."""


@dataclass
class SplitContents:
    """How many pixels of a split are what."""

    areas: int
    pixels: int = 0
    valid: int = 0
    ignored: int = 0
    """Valid pixels without a label."""
    classes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(IGNORED + 1, np.int64))
    """Valid pixels of each class; of each byte while they are being counted."""


@dataclass
class BandContents:
    """The range of a band's values in all splits, and how many pixels are at its ends."""

    name: str
    low: float = np.inf
    high: float = -np.inf
    at_low: int = 0
    at_high: int = 0
    pixels: int = 0

    def add(self, values: NDArray[np.generic]) -> None:
        """Take the values of more pixels, at least one."""
        low, high = float(values.min()), float(values.max())
        if low < self.low:
            self.low, self.at_low = low, 0
        if high > self.high:
            self.high, self.at_high = high, 0
        self.at_low += int((values == self.low).sum())
        self.at_high += int((values == self.high).sum())
        self.pixels += values.size


@dataclass(frozen=True)
class Inspection:
    """What a dataset holds."""

    splits: dict[Split, SplitContents]
    bands: list[BandContents]
    sizes: tuple[tuple[int, int], tuple[int, int]]
    """Height and width of the smallest and of the largest scene."""
    gsd_m: tuple[float, float] | None
    """Smallest and largest ground sampling distance of the scenes, metres; None if no scene has a CRS."""
    alignments: list[Alignment]
    shared: list[Shared]
    findings: list[str]
    """What should be looked at, one sentence each."""


def inspect(folder: Path, manifest: Manifest, progress: Progress = QUIET) -> Inspection:
    """Inspect a prepared dataset; all areas are read once.

    Args:
        folder: Folder of the dataset.
        manifest: Its manifest.
        progress: Told of the pixels that were read.

    Raises:
        DatasetError: Files do not have the size that the manifest says, or hold labels that are no classes.
        SceneError: An image cannot be read.
    """
    total, done = sum(area.height * area.width for areas in manifest.splits.values() for area in areas), 0
    fingerprints = Fingerprints()
    bands = [BandContents(name) for name in manifest.bands]
    splits: dict[Split, SplitContents] = {split: SplitContents(len(manifest.splits.get(split, ()))) for split in SPLITS}
    for split, contents in splits.items():
        for area in manifest.splits.get(split, ()):
            with _open(folder, manifest, area.scene) as (scene, labels):
                for window in area.tiles():
                    image, valid = scene.read(window)
                    known = labels.read(window)[0][0] if labels else np.full(valid.shape, IGNORED)
                    _count(contents, bands, image, valid, known)
                    fingerprints.add(split, area.scene, window.row, window.col, image, valid)
                    done += window.height * window.width
                    progress.count("reading pixels", done, total)
        contents.classes = check_counts(contents.classes, len(manifest.legend))
    sizes = sorted(((scene.height, scene.width) for scene in manifest.scenes), key=lambda size: size[0] * size[1])
    scenes = {scene.name: Scene(folder / scene.image) for scene in manifest.scenes}
    distances = [scene.gsd_m() for scene in scenes.values()]
    places = {name: ScenePlace(scene.crs, scene.transform) for name, scene in scenes.items()}
    known = [gsd_m for gsd_m in distances if gsd_m is not None]
    gsd_m = (min(known), max(known)) if known else None
    alignments, shared = _alignments(folder, manifest), fingerprints.shared()
    findings = [
        *_about_classes(splits, manifest),
        *_about_bands(bands, manifest),
        *_about_ground(splits, gsd_m, len(known) < len(distances)),
        *(_about_alignment(alignment) for alignment in alignments if alignment.is_off),
        *(_about_shared(pair) for pair in shared),
        *map(str, overlaps(places, manifest.splits)),
    ]
    return Inspection(splits, bands, (sizes[0], sizes[-1]), gsd_m, alignments, shared, findings)


class _open:  # noqa: N801 (a context manager used like a function)
    """A scene's image and labels. Raises DatasetError if their sizes are not those of the manifest."""

    def __init__(self, folder: Path, manifest: Manifest, name: str) -> None:
        entry = manifest.scene(name)
        self.scene = Scene(folder / entry.image)
        self.labels = Scene(folder / entry.given_labels) if entry.given_labels else None
        for scene in filter(None, (self.scene, self.labels)):
            if (scene.height, scene.width) != (entry.height, entry.width):
                raise DatasetError(
                    f"{scene.path} has {scene.height} x {scene.width} pixels, the manifest says {entry.height} x "
                    f"{entry.width}; prepare the dataset again"
                )

    def __enter__(self) -> tuple[Scene, Scene | None]:
        return self.scene, self.labels

    def __exit__(self, *_: object) -> None:
        self.scene.close()
        if self.labels:
            self.labels.close()


def _count(
    contents: SplitContents,
    bands: list[BandContents],
    image: NDArray[np.generic],
    valid: NDArray[np.bool_],
    labels: NDArray[np.generic],
) -> None:
    contents.pixels += valid.size
    contents.valid += int(valid.sum())
    contents.ignored += int((labels[valid] == IGNORED).sum())
    contents.classes += np.bincount(labels[valid].ravel(), minlength=IGNORED + 1)
    if valid.any():
        for band, values in zip(bands, image, strict=True):
            band.add(values[valid])


def _alignments(folder: Path, manifest: Manifest) -> list[Alignment]:
    """Measure scenes spread over the dataset, in the windows with most edges between labels."""
    areas: dict[str, list[Area]] = {}
    for area in (area for split in SPLITS for area in manifest.labelled(split)):
        areas.setdefault(area.scene, []).append(area)
    names = list(areas)
    found = []
    for name in names[:: max(1, -(-len(names) // ALIGNMENT_SCENES))]:
        fit = EdgeFit()
        with _open(folder, manifest, name) as (scene, labels):
            assert labels is not None
            for window in _windows_with_edges(labels, areas[name]):
                image, valid = scene.read(window)
                fit.add(image, valid, labels.read(window)[0][0].astype(np.uint8))
        if best := fit.best(name):
            found.append(best)
    return found


def _windows_with_edges(labels: Scene, areas: list[Area]) -> list[Window]:
    """The ALIGNMENT_WINDOWS windows of a scene's areas that hold most changes of class, looked at coarsely."""
    windows = [window for area in areas for window in grid(area.window, ALIGNMENT_SIZE, ALIGNMENT_SIZE)]
    windows = windows[:: max(1, -(-len(windows) // (4 * ALIGNMENT_WINDOWS)))]

    def edges(window: Window) -> int:
        coarse = labels.read(window)[0][0][::4, ::4]
        return int(((coarse[1:] != coarse[:-1]) & (coarse[1:] != IGNORED) & (coarse[:-1] != IGNORED)).sum())

    return sorted(windows, key=edges, reverse=True)[:ALIGNMENT_WINDOWS]


def _about_classes(splits: dict[Split, SplitContents], manifest: Manifest) -> list[str]:
    lines = []
    for split, contents in splits.items():
        if not contents.areas or not contents.classes.sum():
            lines.append(f"the {split} split is empty" if not contents.areas else f"the {split} split has no labels")
            continue
        shares = contents.classes / contents.classes.sum()
        for name, share in zip(manifest.legend.names, shares, strict=True):
            if not share:
                lines.append(f"class '{name}' has no pixel in the {split} split")
            elif split == "train" and share < RARE:
                lines.append(f"class '{name}' is rare: it has {100 * share:.2f} % of the labels of the train split")
    return lines


def _about_bands(bands: list[BandContents], manifest: Manifest) -> list[str]:
    lines = []
    for band in bands:
        if band.low == band.high:
            lines.append(f"band '{band.name}' is constant, {band.low:g} everywhere; it teaches nothing")
            continue
        for what, value, pixels in (("largest", band.high, band.at_high), ("smallest", band.low, band.at_low)):
            if pixels >= SATURATED * band.pixels:
                share = 100 * pixels / band.pixels
                hint = "; is it nodata that is not marked?" if what == "smallest" else ""
                lines.append(
                    f"band '{band.name}' has its {what} value, {value:g}, in {share:.1f} % of the pixels{hint}"
                )
    return lines


def _about_ground(
    splits: dict[Split, SplitContents], gsd_m: tuple[float, float] | None, some_without: bool
) -> list[str]:
    lines = []
    for split, contents in splits.items():
        if contents.pixels and contents.valid < (1 - MUCH_NODATA) * contents.pixels:
            share = 100 * (1 - contents.valid / contents.pixels)
            lines.append(f"{share:.0f} % of the {split} split is nodata")
    if gsd_m and gsd_m[1] > gsd_m[0] * (1 + GSD_TOLERANCE):
        lines.append(f"ground sampling distances differ: {gsd_m[0]:.3g} to {gsd_m[1]:.3g} m per pixel")
    if gsd_m and some_without:
        lines.append("some scenes have no CRS, so their ground sampling distance is unknown")
    return lines


def _about_alignment(alignment: Alignment) -> str:
    return (
        f"labels of '{alignment.scene}' fit the image's edges better if moved by {alignment.rows:+d} rows and "
        f"{alignment.cols:+d} columns (contrast at their edges {alignment.fit:.2f} against {alignment.unshifted:.2f} "
        "standard deviations above the mean); "
        "are they misaligned?"
    )


def _about_shared(pair: Shared) -> str:
    (scene, row, col), (other, other_row, other_col) = pair.places
    return (
        f"{pair.splits[0]} and {pair.splits[1]} show the same ground, about {100 * pair.share:.1f} % of the smaller: "
        f"'{scene}' at row {row}, column {col} is '{other}' at row {other_row}, column {other_col}; "
        "scores would be too good"
    )
