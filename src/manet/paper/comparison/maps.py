"""The maps of an experiment's networks at some places."""

from collections.abc import Iterator, Sequence

import torch

from manet.networks.checkpoint import load
from manet.paper.comparison.experiment import Experiment, window_context
from manet.paper.comparison.figures import Maps, Place
from manet.paper.comparison.results import Run
from manet.paper.printed import METHODS
from manet.prediction.predict import Advance
from manet.raster.scene import Scene


def predict_places(
    experiment: Experiment, runs: Sequence[Run], places: Sequence[Place], device: torch.device, advance: Advance
) -> Iterator[Maps]:
    """Place by place; `advance` is called for each network at each place. A place sees nothing outside it."""
    predictors = {
        METHODS[run.network]: window_context(experiment, load(run.checkpoint).to(device), device) for run in runs
    }
    for place in places:
        entry = experiment.manifest.scene(place.scene)
        with Scene(experiment.data / entry.image) as scene, Scene(experiment.data / entry.labels) as labels:
            predictions = {}
            for name, predictor in predictors.items():
                predictions[name] = predictor.predict_whole(scene, place.window)
                advance(1)
            yield Maps(place, scene.read(place.window)[0], labels.read(place.window)[0][0], predictions)
