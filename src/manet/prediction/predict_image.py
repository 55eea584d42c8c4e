"""One image in memory: a path, an open dataset or an array."""

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.io import DatasetReaderBase

from manet.card import Card
from manet.errors import OptionError, SceneError
from manet.prediction.adapt import adapt_as_set, tell, tell_senseless
from manet.prediction.build_predictor import build_predictor
from manet.prediction.prediction import Prediction
from manet.prediction.predictor import classes_of
from manet.prediction.settings import PredictionSettings
from manet.progress import QUIET, Progress
from manet.raster.array_scene import ArrayScene, scene_of_dataset
from manet.raster.scene import Scene
from manet.runtime.protocol import Runtime

Image = str | Path | NDArray[np.generic] | rasterio.DatasetReader


def predict_image(
    runtime: Runtime,
    card: Card,
    image: Image,
    settings: PredictionSettings,
    *,
    axis: int | None = None,
    progress: Progress = QUIET,
) -> Prediction:
    """Map an image; see `manet.model.Model.predict`, whose arguments these are."""
    with _scene(image, card, axis) as scene:
        adapted = adapt_as_set(scene, card, settings)
        tell([adapted], progress)
        with adapted.own as own, adapted.seen as seen:
            predictor = adapted.on_own_grid(build_predictor(runtime, card, settings, seen, progress=progress))
            probabilities = np.zeros((len(card.legend), own.height, own.width), np.float32)
            steps, megapixels = predictor.steps(own.window), own.height * own.width / 1e6
            for found in predictor.strips(
                own, own.window, lambda done: progress.count("predicting", done, steps, megapixels)
            ):
                probabilities[:, *found.window.slices] = found.probabilities
            tell_senseless(seen, progress)
            return Prediction(classes_of(probabilities), probabilities, card.legend, own.crs, own.transform)


def _scene(image: Image, card: Card, axis: int | None) -> Scene:
    if isinstance(image, str | Path):
        return Scene(image)
    if isinstance(image, np.ndarray):
        return _scene_of_array(image, card, axis)
    if isinstance(image, DatasetReaderBase):
        return scene_of_dataset(image)
    raise SceneError(
        f"got an image of type {type(image).__name__}; expected a path, an open rasterio dataset or a numpy array"
    )


def _scene_of_array(image: NDArray[np.generic], card: Card, axis: int | None) -> Scene:
    expected = (
        f"(bands, height, width) or (height, width, bands) with {len(card.bands)} bands ({', '.join(card.bands)})"
    )
    if image.ndim != 3 or not (np.issubdtype(image.dtype, np.number) and not np.iscomplexobj(image)):
        raise SceneError(f"got an array of shape {image.shape} and type {image.dtype}; expected numbers, {expected}")
    fitting = [index for index in (0, 2) if image.shape[index] == len(card.bands)]
    if axis is not None:
        fitting = [index for index in fitting if index == axis % 3]
    if not fitting:
        which = "" if axis is None else f" with the bands on axis {axis}"
        raise SceneError(f"got an array of shape {image.shape}{which}; expected {expected}")
    if len(fitting) > 1:
        raise OptionError(
            f"got an array of shape {image.shape}, whose first and last axis are both as long as the model has bands; "
            "say by `axis` which of them holds the bands"
        )
    bands_first = np.moveaxis(image, fitting[0], 0)
    valid = None
    if isinstance(image, np.ma.MaskedArray):  # as rasterio reads where it is asked for masks
        valid = np.logical_not(np.asarray(np.ma.getmaskarray(bands_first)).any(axis=0))
        bands_first = np.ma.getdata(bands_first)
    return ArrayScene(bands_first, valid, band_names=card.bands)
