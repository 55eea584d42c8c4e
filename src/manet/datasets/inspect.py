"""A prepared dataset looked over before training: what it holds, and what in it is likely to be wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.datasets.alignment import Alignment, EdgeFit
from manet.datasets.duplicates import Fingerprints, Shared
from manet.datasets.manifest import SPLITS, Area, Manifest, Split
from manet.datasets.sources.folder import GSD_TOLERANCE
from manet.errors import DatasetError
from manet.legend import IGNORED
from manet.raster.scene import Scene
from manet.raster.windows import Window, grid, tiles

Advance = Callable[[int], None]
"""Called with the number of pixels that were looked at."""

RARE = 0.005
"""Share of the training labels below which a class is called rare."""

SATURATED = 0.02
"""Share of a band's valid pixels at its largest or smallest value from which it is called saturated."""

MUCH_NODATA = 0.25
ALIGNMENT_SCENES, ALIGNMENT_WINDOWS, ALIGNMENT_SIZE = 12, 4, 768
"""Scenes looked at for misalignment, windows in each, and their height and width."""


@dataclass
class SplitContents:
    """Pixels of a split."""

    areas: int
    pixels: int = 0
    valid: int = 0
    ignored: int = 0
    """Valid pixels without a label."""
    classes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass
class BandContents:
    """Values of a band in all splits, and how many pixels hold the outermost."""

    name: str
    low: float = np.inf
    high: float = -np.inf
    at_low: int = 0
    at_high: int = 0
    pixels: int = 0

    def add(self, values: NDArray[np.generic]) -> None:
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
    """What was found."""

    splits: dict[Split, SplitContents]
    bands: list[BandContents]
    sizes: tuple[tuple[int, int], tuple[int, int]]
    """Height and width of the smallest and of the largest scene."""
    gsd_m: tuple[float, float] | None
    alignments: list[Alignment]
    shared: list[Shared]
    findings: list[str]


def inspect(folder: Path, manifest: Manifest, advance: Advance = lambda pixels: None) -> Inspection:
    """Read all areas once. Raises DatasetError and SceneError where the dataset is not whole."""
    fingerprints = Fingerprints()
    bands = [BandContents(name) for name in manifest.bands]
    splits: dict[Split, SplitContents] = {split: SplitContents(len(manifest.splits.get(split, ()))) for split in SPLITS}
    for split, contents in splits.items():
        contents.classes = np.zeros(IGNORED + 1, np.int64)
        for area in manifest.splits.get(split, ()):
            with _open(folder, manifest, area.scene) as (scene, labels):
                for part in tiles(area.height, area.width):
                    window = Window(area.row + part.row, area.col + part.col, part.height, part.width)
                    image, valid = scene.read(window)
                    known = labels.read(window)[0][0] if labels else np.full(valid.shape, IGNORED)
                    _count(contents, bands, image, valid, known)
                    fingerprints.add(split, area.scene, window.row, window.col, image, valid)
                    advance(window.height * window.width)
        contents.classes = _class_counts(contents.classes, manifest)
    sizes = sorted(((scene.height, scene.width) for scene in manifest.scenes), key=lambda size: size[0] * size[1])
    distances = [Scene(folder / scene.image).gsd_m() for scene in manifest.scenes]
    known = [gsd_m for gsd_m in distances if gsd_m is not None]
    gsd_m = (min(known), max(known)) if known else None
    alignments, shared = _alignments(folder, manifest), fingerprints.shared()
    findings = [
        *_about_classes(splits, manifest),
        *_about_bands(bands, manifest),
        *_about_ground(splits, gsd_m, len(known) < len(distances)),
        *(_about_alignment(alignment) for alignment in alignments if alignment.is_off),
        *(_about_shared(pair) for pair in shared),
    ]
    return Inspection(splits, bands, (sizes[0], sizes[-1]), gsd_m, alignments, shared, findings)


class _open:  # noqa: N801 (a context manager used like a function)
    """A scene's image and labels. Raises DatasetError where they are not of one size."""

    def __init__(self, folder: Path, manifest: Manifest, name: str) -> None:
        entry = manifest.scene(name)
        self.scene = Scene(folder / entry.image)
        self.labels = Scene(folder / entry.given_labels) if entry.given_labels else None
        for scene in filter(None, (self.scene, self.labels)):
            if (scene.height, scene.width) != (entry.height, entry.width):
                raise DatasetError(
                    f"{scene.path} is of {scene.height} x {scene.width} pixels, the manifest says {entry.height} x "
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


def _class_counts(counts: NDArray[np.int64], manifest: Manifest) -> NDArray[np.int64]:
    classes = len(manifest.legend)
    if (stray := np.flatnonzero(counts[classes:IGNORED])).size:
        value = stray[0] + classes
        raise DatasetError(
            f"labels hold the value {value}, {counts[value]} times; expected 0 to {classes - 1}, or {IGNORED} for "
            "ignored pixels: prepare the dataset again"
        )
    return counts[:classes]


def _alignments(folder: Path, manifest: Manifest) -> list[Alignment]:
    """Of scenes spread over the dataset, from the windows with most label edges on a coarse look."""
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
    """The windows of a scene's areas that hold most changes of class, at most so many."""
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
            lines.append(f"the {split} split is empty" if not contents.areas else f"the {split} split has no label")
            continue
        shares = contents.classes / contents.classes.sum()
        for name, share in zip(manifest.legend.names, shares, strict=True):
            if not share:
                lines.append(f"class '{name}' has no pixel in the {split} split")
            elif split == "train" and share < RARE:
                lines.append(f"class '{name}' is rare: {100 * share:.2f} % of the training labels")
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
                hint = "; nodata that is not marked?" if what == "smallest" else ""
                lines.append(
                    f"band '{band.name}' is at its {what} value, {value:g}, in {share:.1f} % of the pixels{hint}"
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
        lines.append(f"ground sampling differs between scenes: {gsd_m[0]:.3g} to {gsd_m[1]:.3g} m a pixel")
    if gsd_m and some_without:
        lines.append("some scenes have no CRS, so their ground sampling is unknown")
    return lines


def _about_alignment(alignment: Alignment) -> str:
    return (
        f"labels of '{alignment.scene}' fit the image's edges better when moved by {alignment.rows:+d} rows and "
        f"{alignment.cols:+d} columns (correlation {alignment.correlation:.2f} against {alignment.unshifted:.2f}); "
        "are they misaligned?"
    )


def _about_shared(pair: Shared) -> str:
    (scene, row, col), (other, other_row, other_col) = pair.places
    return (
        f"{pair.splits[0]} and {pair.splits[1]} share ground, about {100 * pair.share:.1f} % of the smaller: "
        f"'{scene}' at row {row}, column {col} is '{other}' at row {other_row}, column {other_col}; "
        "scores would be too good"
    )
