"""Scenes unlike the training data: what can be made alike is, and the rest is said."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from manet.card import Card
from manet.errors import SceneError
from manet.prediction.predictor import Advance, AreaPredictor, Strip, ignore
from manet.prediction.summary_tree import SumsFile
from manet.raster.bands import find_bands, is_named
from manet.raster.collar import Colour, find_collar
from manet.raster.scene import Scene
from manet.raster.windows import Window, starts, tiles

SAME_GSD = 1.1
"""Ground sampling distances within this factor are taken as the same; augmentation covers more."""

SAMPLES, SAMPLE = 4, 128
"""A scene's values are looked at in 4 x 4 windows of 128 pixels."""

PART = 512
"""Largest height and width of the pieces that a resampled piece becomes."""

FAR_MEAN = 1.0
"""A band's mean is far from the training's beyond so many of the training's standard deviations."""

FAR_STD = 3.0
"""A band's standard deviation is far from the training's beyond this factor."""


@dataclass(frozen=True)
class Fit:
    """A scene as a network takes it, what was done to it, and what is doubtful."""

    own: Scene
    """With the network's bands, on its own grid."""
    resampled: Scene | None
    """The same at the training's ground sampling distance, where its own is another."""
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    def without_collar(self, colour: Colour) -> "Fit":
        """Both with their collars as nodata, each found on its own grid. Raises SceneError as `find_collar` does."""

        def cleared(scene: Scene) -> Scene:
            collar = find_collar(scene, colour)
            scene.close()
            return scene.without(collar.covers)

        return replace(self, own=cleared(self.own), resampled=self.resampled and cleared(self.resampled))


def fit_scene(scene: Scene, card: Card, native: bool = False) -> Fit:
    """Bring a scene to the bands and the ground sampling distance that a network was trained on.

    native: keep the scene's ground sampling distance.
    Raises SceneError where bands are missing, and where there are values that the training's number type cannot hold.
    """
    scene, notes, warnings = _fit_bands(scene, card)
    warnings += _unusual(scene, card)
    own, resampled = scene.gsd_m(), None
    if own is None or card.gsd_m is None:
        whose = "scene's" if own is None else "training's"
        notes.append(f"the {whose} ground sampling distance is unknown: predicted as it is")
    elif max(own / card.gsd_m, card.gsd_m / own) > SAME_GSD:
        both = f"the scene has {own:.3g} m a pixel, the training had {card.gsd_m:.3g} m"
        if native:
            warnings.append(f"{both}: predicted at its own, as asked")
        else:
            notes.append(f"{both}: resampled to that; the map is on the scene's own grid (--native: not resampled)")
            resampled = scene.at(card.gsd_m)
    return Fit(scene, resampled, tuple(notes), tuple(warnings))


@dataclass(frozen=True)
class OwnGrid(AreaPredictor):
    """Predicts a scene as it is at another ground sampling distance, and gives the map on the scene's own grid."""

    predictor: AreaPredictor
    resampled: Scene

    @property
    def overlap(self) -> int:
        return self.predictor.overlap

    def windows(self, area: Window) -> int:
        return self.predictor.windows(self.resampled.window)

    def strips(
        self, scene: Scene, area: Window, advance: Advance = ignore, *, finished: int = 0, sums: SumsFile | None = None
    ) -> Iterator[Strip]:
        """Each valid pixel takes what the resampled pixel has that its centre lies in. area: all of the scene."""
        assert area == scene.window
        whole = self.resampled.window
        for strip in self.predictor.strips(self.resampled, whole, advance, finished=finished, sums=sums):
            yield self._on_own_grid(strip, scene)

    def _on_own_grid(self, strip: Strip, scene: Scene) -> Strip:
        height, width = scene.height / self.resampled.height, scene.width / self.resampled.width
        for piece, values in strip:
            top, bottom = (_first(row, height) for row in (piece.row, piece.bottom))
            left, right = (_first(col, width) for col in (piece.col, piece.right))
            for part in tiles(bottom - top, right - left, PART):
                part = Window(top + part.row, left + part.col, part.height, part.width)
                rows = ((np.arange(part.row, part.bottom) + 0.5) / height).astype(int) - piece.row
                columns = ((np.arange(part.col, part.right) + 0.5) / width).astype(int) - piece.col
                yield part, values[:, rows[:, None], columns] * scene.read(part)[1]


def _first(start: int, factor: float) -> int:
    """The first pixel whose centre is not before the resampled pixel `start`."""
    return math.ceil(start * factor - 0.5)


def _fit_bands(scene: Scene, card: Card) -> tuple[Scene, list[str], list[str]]:
    """By name where all are found, else by position if names may be wrong and there are as many."""
    order = [index for index in find_bands(card.bands, scene.band_names) if index is not None]
    there, wanted = ", ".join(scene.band_names), ", ".join(card.bands)
    if len(order) == len(card.bands):
        if order == list(range(scene.bands)):
            return scene, [], []
        return scene.select(order), [f"bands by name: {wanted} out of {there}"], []
    if scene.bands != len(card.bands):
        raise SceneError(
            f"{scene.path} has {scene.bands} bands, the checkpoint expects {len(card.bands)} ({wanted}; got {there}); "
            "give a scene with these bands, or name them (band descriptions, gdal_edit)"
        )
    if scene.described and order:
        raise SceneError(
            f"{scene.path} has the bands {there}, the checkpoint expects {wanted}; "
            "give a scene with these bands, or correct their names (band descriptions, gdal_edit)"
        )
    named = any(map(is_named, scene.band_names)) and any(map(is_named, card.bands))
    return scene, [], [f"bands by position, not by name: the scene's {there} as {wanted}"] if named else []


def _unusual(scene: Scene, card: Card) -> list[str]:
    """Warnings about bands whose values, in samples, are far from the training's.

    Raises SceneError for values that the training's number type cannot hold.
    """
    values = _sample(scene)
    if not values.size:
        return []
    training = np.dtype(card.dtype)
    if np.issubdtype(training, np.integer):
        limits, least, largest = np.iinfo(training), values.min(), values.max()
        if least < limits.min or largest > limits.max:
            raise SceneError(
                f"{scene.path} ({scene.dtype}) has values from {least:g} to {largest:g}, the checkpoint was trained on "
                f"{card.dtype} ({limits.min} to {limits.max}); scale the scene to that (gdal_translate -scale -ot)"
            )
    found = []
    for index, name in enumerate(card.bands):
        mean, std = float(values[index].mean()), float(values[index].std())
        expected, spread = card.band_mean[index], card.band_std[index]
        ratio = std / spread
        if abs(mean - expected) > FAR_MEAN * spread or not 1 / FAR_STD <= ratio <= FAR_STD:
            found.append(f"{name}: mean {mean:.4g}, deviation {std:.3g}; training {expected:.4g}, {spread:.3g}")
    return [f"values far from the training's, the map may be poor ({'; '.join(found)})"] if found else []


def _sample(scene: Scene) -> NDArray[np.float64]:
    """Valid values from windows spread over a scene, (bands, pixels)."""
    height, width = min(SAMPLE, scene.height), min(SAMPLE, scene.width)
    parts = []
    for row in _spread(scene.height, height):
        for col in _spread(scene.width, width):
            image, valid = scene.read(Window(row, col, height, width))
            parts.append(image[:, valid].astype(np.float64))
    return np.concatenate(parts, axis=1)


def _spread(length: int, size: int) -> list[int]:
    """First pixels of up to SAMPLES stretches, evenly spread."""
    if length <= size * SAMPLES:
        return starts(length, size, size)
    return [round(k * (length - size) / (SAMPLES - 1)) for k in range(SAMPLES)]
