"""Scenes unlike the training data: what can be adapted is, and the rest is said."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from manet.card import Card
from manet.errors import SceneError
from manet.prediction.predictor import Done, Predicted, Predictor, ignore
from manet.prediction.settings import PredictionSettings
from manet.prediction.summary_tree import SummaryFile
from manet.progress import Progress
from manet.raster.bands import find_bands, is_named
from manet.raster.collar import Collar, Colour, find_collar
from manet.raster.scene import MOST, SENSELESS, Scene
from manet.raster.windows import Window, starts, tiles

SAME_GSD = 1.1
"""Ground sampling distances within this factor are taken as the same; augmentation covers more."""

SAMPLES, SAMPLE = 4, 128
"""A scene's values are looked at in 4 x 4 windows of 128 pixels."""

TILE = 512
"""Largest height and width of the windows that a resampled window becomes, pixels."""

FAR_MEAN = 1.0
"""A band's mean is far from the training's beyond so many of the training's standard deviations."""

FAR_STD = 3.0
"""A band's standard deviation is far from the training's beyond this factor."""


SCALED, UNSCALED = 1.5, 10.0
"""Values scaled to between 0 and 1 are not beyond the first, even resampled; means and deviations of bytes are beyond
the second."""

ROUNDING = 1e-6
"""Of a pixel, in quotients of heights and widths."""


@dataclass(frozen=True)
class Adapted:
    """A scene as a network takes it, what was done to it, and what is doubtful."""

    own: Scene
    """With the network's bands, on its own grid."""
    resampled: Scene | None
    """The same at the training's ground sampling distance, where its own is another."""
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    changes: tuple[str, ...] = ()
    """What was done, without the scene's own figures, so that scores can name it in their protocol."""

    @property
    def seen(self) -> Scene:
        """What the network sees."""
        return self.resampled or self.own

    def seen_window(self, region: Window) -> Window:
        """The window of `seen` that holds a region of the scene's own grid."""
        return region if self.resampled is None else _covering(region, *_pixel(self.own, self.resampled))

    def on_own_grid(self, predictor: Predictor) -> Predictor:
        """A predictor of `seen` as one that gives the map on the scene's own grid."""
        return predictor if self.resampled is None else OwnGrid(predictor, self.own, self.resampled)


def adapt_scene(scene: Scene, card: Card, native: bool = False, collar: Colour = "auto") -> Adapted:
    """Bring a scene to the bands and the ground sampling distance that a network was trained on.

    Args:
        scene: An image.
        card: What the network was trained on.
        native: Keep the scene's ground sampling distance.
        collar: Which frame is nodata.

    Raises:
        SceneError: Bands are missing, there are values that the training's number type cannot hold, or black and white
            are not known for the scene's number type.
    """
    if "palette" in scene.band_names or np.issubdtype(np.dtype(scene.dtype), np.complexfloating):
        kind = "numbers of a palette's colours" if "palette" in scene.band_names else "complex numbers"
        raise SceneError(
            f"{scene.path} holds {kind}, which are no brightnesses; convert it (gdal_translate -expand rgb, or -b BAND)"
        )
    if not (np.isfinite(scene.transform.determinant) and scene.transform.determinant):
        raise SceneError(
            f"{scene.path} has a transform that puts its pixels on one point or line ({tuple(scene.transform)[:6]}); "
            "correct it (gdal_edit -a_ullr LEFT TOP RIGHT BOTTOM), or take it out (gdal_edit -unsetgt)"
        )
    scene, notes, warnings = _adapt_bands(scene, card)
    changes = ["bands by name"] if notes else ["bands by position"] if warnings else []
    if scene.control_points:
        warnings.append(
            f"{scene.path} is placed by {scene.control_points} control points, which are not used: the map has no "
            "place on earth; warp it first (gdalwarp)"
        )
    if scene.orientation != 1:
        warnings.append(
            f"{scene.path} is stored turned (EXIF orientation {scene.orientation}): the map is of the stored pixels, "
            "and viewers show the image turned; turn its pixels first (mogrify -auto-orient)"
        )
    if scene.is_scaled:
        notes.append("the file names a scale or an offset for its values, which is not applied: they are as stored")
    found = find_collar(scene, collar)
    scene.close()
    if found:
        changes.append("collar is nodata")
        notes.append(f"{found} is taken for nodata (collar: keep leaves it)")
    own = scene if found is None else scene.without(found.covers)
    warnings += _unusual(own, card)
    pixel, resampled = scene.pixel_m(), None
    if pixel is None or card.gsd_m is None:
        whose = "scene's" if pixel is None else "training's"
        notes.append(f"the {whose} ground sampling distance is unknown: predicted as it is")
    elif max(max(m / card.gsd_m, card.gsd_m / m) for m in pixel) > SAME_GSD:
        both = f"the scene has {metres_of(*pixel)} a pixel, the training had {card.gsd_m:.3g} m"
        if native:
            warnings.append(f"{both}: predicted at its own, as asked")
        else:
            notes.append(f"{both}: resampled to that; the map is on the scene's own grid")
            resampled = _without(scene.at(card.gsd_m), found)
            changes.append(f"resampled to {card.gsd_m:.3g} m")
    own.close()
    return Adapted(own, resampled, tuple(notes), tuple(warnings), tuple(changes))


def adapt_as_set(scene: Scene, card: Card, settings: PredictionSettings) -> Adapted:
    """Adapt a scene as the settings ask. Raises SceneError as `adapt_scene`."""
    return adapt_scene(scene, card, settings.native, settings.collar)


def metres_of(width: float, height: float) -> str:
    """The size of a pixel in words; both sides where it is not square."""
    square = max(height / width, width / height) < SAME_GSD
    return f"{(height * width) ** 0.5:.3g} m" if square else f"{width:.3g} x {height:.3g} m (width x height)"


def _without(resampled: Scene, collar: Collar | None) -> Scene:
    """A resampled scene without the collar that was found on its own grid."""
    if collar is None:
        return resampled
    return resampled.without(lambda window: collar.covers_resampled(window, resampled.height, resampled.width))


def tell(scenes: Iterable[Adapted], progress: Progress) -> None:
    """Say what was done to scenes and what is doubtful, each line once."""
    scenes = list(scenes)
    for line in dict.fromkeys(line for adapted in scenes for line in adapted.warnings):
        progress.warn(line)
    for line in dict.fromkeys(line for adapted in scenes for line in adapted.notes):
        progress.note(line)


def tell_senseless(scene: Scene, progress: Progress) -> None:
    """Warn of pixels that were read and are no measurements."""
    if count := len(scene.senseless):
        number = f"{MOST} and more" if count >= MOST else str(count)
        progress.warn(f"pixels of {scene.path} that are not finite, or {SENSELESS:g} and more, are nodata: {number}")


class OwnGrid(Predictor):
    """Predicts a scene at another ground sampling distance, and gives the map on the scene's own grid."""

    def __init__(self, predictor: Predictor, own: Scene, resampled: Scene) -> None:
        self.predictor, self.resampled = predictor, resampled
        self.window = predictor.window
        self._pixel = _pixel(own, resampled)

    @property
    def overlap(self) -> int:
        return self.predictor.overlap

    def steps(self, region: Window) -> int:
        return self.predictor.steps(_covering(region, *self._pixel))

    def strips(
        self, scene: Scene, region: Window, done: Done = ignore, *, finished: int = 0, sums: SummaryFile | None = None
    ) -> Iterator[Predicted]:
        """Each valid pixel takes what the resampled pixel has that its centre lies in."""
        height, width = self._pixel
        whole = _covering(region, height, width)
        waiting: Predicted | None = None  # of the strip, until it is known whether more follows
        for found in self.predictor.strips(self.resampled, whole, done, finished=finished, sums=sums):
            window = found.window
            top, bottom = (_first(row, height) for row in (window.row, window.bottom))
            left, right = (_first(col, width) for col in (window.col, window.right))
            wanted = Window(top, left, bottom - top, right - left).intersect(region)
            parts = tiles(wanted.height, wanted.width, TILE) if wanted else ()
            for own in (part.moved(wanted.row, wanted.col) for part in parts if wanted):
                if waiting is not None:
                    yield waiting
                rows = ((np.arange(own.row, own.bottom) + 0.5) / height).astype(int) - window.row
                columns = ((np.arange(own.col, own.right) + 0.5) / width).astype(int) - window.col
                values = found.probabilities[:, rows[:, None], columns] * scene.read(own)[1]
                waiting = Predicted(found.strip, own, values, last=False)
            if found.last and waiting is not None:
                yield waiting._replace(last=True)
                waiting = None


def _pixel(own: Scene, resampled: Scene) -> tuple[float, float]:
    """Height and width of a resampled pixel, in the scene's own pixels."""
    return own.height / resampled.height, own.width / resampled.width


def _covering(region: Window, height: float, width: float) -> Window:
    """The resampled pixels that have a share in a region of the scene's own pixels."""
    top, left = (math.floor(start + ROUNDING) for start in (region.row / height, region.col / width))
    bottom, right = (math.ceil(end - ROUNDING) for end in (region.bottom / height, region.right / width))
    return Window(top, left, bottom - top, right - left)


def _first(start: int, factor: float) -> int:
    """The first pixel whose centre is not before the resampled pixel `start`."""
    return math.ceil(start * factor - 0.5)


def _adapt_bands(scene: Scene, card: Card) -> tuple[Scene, list[str], list[str]]:
    """By name where all are found, else by position if names may be wrong and there are as many."""
    order = [index for index in find_bands(card.bands, scene.band_names) if index is not None]
    there, wanted = ", ".join(scene.band_names), ", ".join(card.bands)
    if len(order) == len(card.bands):
        if order == list(range(scene.bands)):
            return scene, [], []
        return scene.select(order), [f"bands by name: {wanted} out of {there}"], []
    if scene.bands != len(card.bands):
        raise SceneError(
            f"{scene.path} has {scene.bands} {'bands' if scene.bands > 1 else 'band'}, the checkpoint expects "
            f"{len(card.bands)} ({wanted}; got {there}); "
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
        scaled = np.issubdtype(np.dtype(scene.dtype), np.floating) and max(abs(least), abs(largest)) <= SCALED
        if scaled and max(map(abs, (*card.band_mean, *card.band_std))) > UNSCALED:
            raise SceneError(
                f"{scene.path} ({scene.dtype}) has values from {least:.3g} to {largest:.3g}, as if they were scaled to "
                f"0 to 1; the checkpoint was trained on {card.dtype} with a mean of {card.band_mean[0]:.3g}: give the "
                f"imagery's own values (gdal_translate -scale 0 1 0 {limits.max} -ot)"
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
