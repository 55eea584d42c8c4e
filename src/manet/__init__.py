"""manet: maps from fine-resolution imagery by attention of linear complexity (Li et al. 2021, MANet).

    model = manet.load("banepa")                       # a released model, a checkpoint, a run or an export
    prediction = model.predict("orthophoto.tif")       # a path, an open dataset or an array
    prediction.save("map.tif")
    manet.predict_scene(model, "city.tif", "map.tif")  # any size, bounded memory, resumable

Importing this package imports neither torch nor GDAL; each name does so when it is first used. Predicting with a
released model, scoring, preparing and polygons need no torch at all; `train`, `build` and `save` do, which
`pip install 'manet[train]'` brings.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from manet.assessment.change import write_change_map
    from manet.assessment.design import DesignSettings, design_sample
    from manet.assessment.estimate import assess
    from manet.assessment.labelled import assess_labelled
    from manet.assessment.report import write_assessment
    from manet.datasets.sources import prepare_source as prepare
    from manet.evaluation.evaluate import evaluate
    from manet.legend import Legend
    from manet.model import Model, list_models, load, predict_scene, save
    from manet.networks import build, list_networks
    from manet.prediction.outputs import Outputs
    from manet.prediction.prediction import Prediction
    from manet.prediction.settings import PredictionSettings
    from manet.progress import Progress
    from manet.recipe import Recipe, list_recipes
    from manet.report import record_evaluation, record_run, write_report
    from manet.training.run import train

    __version__: str

_PLACES = {
    "DesignSettings": "manet.assessment.design:DesignSettings",
    "Legend": "manet.legend:Legend",
    "Model": "manet.model:Model",
    "Outputs": "manet.prediction.outputs:Outputs",
    "Prediction": "manet.prediction.prediction:Prediction",
    "PredictionSettings": "manet.prediction.settings:PredictionSettings",
    "Progress": "manet.progress:Progress",
    "Recipe": "manet.recipe:Recipe",
    "assess": "manet.assessment.estimate:assess",
    "assess_labelled": "manet.assessment.labelled:assess_labelled",
    "build": "manet.networks:build",
    "design_sample": "manet.assessment.design:design_sample",
    "evaluate": "manet.evaluation.evaluate:evaluate",
    "list_models": "manet.model:list_models",
    "list_networks": "manet.networks:list_networks",
    "list_recipes": "manet.recipe:list_recipes",
    "load": "manet.model:load",
    "predict_scene": "manet.model:predict_scene",
    "prepare": "manet.datasets.sources:prepare_source",
    "record_evaluation": "manet.report:record_evaluation",
    "record_run": "manet.report:record_run",
    "save": "manet.model:save",
    "train": "manet.training.run:train",
    "write_assessment": "manet.assessment.report:write_assessment",
    "write_change_map": "manet.assessment.change:write_change_map",
    "write_report": "manet.report:write_report",
}
"""Where each name of the face is defined."""

__all__ = [
    "DesignSettings",
    "Legend",
    "Model",
    "Outputs",
    "Prediction",
    "PredictionSettings",
    "Progress",
    "Recipe",
    "__version__",
    "assess",
    "assess_labelled",
    "build",
    "design_sample",
    "evaluate",
    "list_models",
    "list_networks",
    "list_recipes",
    "load",
    "predict_scene",
    "prepare",
    "record_evaluation",
    "record_run",
    "save",
    "train",
    "write_assessment",
    "write_change_map",
    "write_report",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version  # which takes longer than everything else here

        return version("manet")
    if name not in _PLACES:
        raise AttributeError(f"module 'manet' has no attribute '{name}'")
    module, _, attribute = _PLACES[name].partition(":")
    try:
        return getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        from manet.extras import explained

        raise explained(error) from error


def __dir__() -> list[str]:
    return sorted(__all__)
