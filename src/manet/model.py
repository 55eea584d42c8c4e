"""A model: a network that can predict, with its card."""

import html
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from manet.card import Card
from manet.errors import ExportError, NetworkError, StatisticsWarning
from manet.files import sha256
from manet.find_model import find_model
from manet.legend import Legend
from manet.prediction.settings import WINDOW, PredictionSettings
from manet.progress import QUIET, Progress
from manet.recipe import NetworkSettings, PatchSettings, Recipe
from manet.released import released
from manet.runtime.choose import RuntimeName, choose_runtime
from manet.runtime.export_card import beside, is_export_of
from manet.runtime.protocol import Runtime

if TYPE_CHECKING:  # GDAL and torch are imported when something is predicted or trained
    from manet.networks import Network
    from manet.prediction.outputs import Outputs
    from manet.prediction.predict_image import Image
    from manet.prediction.prediction import Prediction


@dataclass(frozen=True)
class Model:
    """A network, whoever computes it, with its card."""

    runtime: Runtime
    """What computes it: PyTorch, or OpenVINO or ONNX Runtime from exported graphs."""
    card: Card
    """What it was made from, what it takes and what it gives."""
    path: Path | None = None
    """The checkpoint or the folder of graphs that it was loaded from."""

    @property
    def legend(self) -> Legend:
        """The classes that it maps."""
        return self.card.legend

    @property
    def bands(self) -> tuple[str, ...]:
        """The names of the bands that it takes, in order."""
        return self.card.bands

    @property
    def network(self) -> "Network":
        """The network of PyTorch.

        Raises:
            NetworkError: The model is of exported graphs, which have none.
        """
        from manet.runtime.pytorch import PyTorch

        if not isinstance(self.runtime, PyTorch):
            raise NetworkError(
                f"{self.runtime.description} has no network of PyTorch; load the checkpoint with runtime='torch'"
            )
        return self.runtime.network

    def predict(
        self,
        image: "Image",
        settings: PredictionSettings = PredictionSettings(),  # noqa: B008 (frozen)
        *,
        axis: int | None = None,
        progress: Progress = QUIET,
    ) -> "Prediction":
        """Map an image that fits into memory.

        Args:
            image: A file that GDAL can read, an open rasterio dataset, or an array of the bands that the model takes,
                (bands, height, width) or (height, width, bands), in the imagery's own values.
            settings: How to predict; scene context and augmentation among them.
            axis: Which axis of an array holds the bands. None: the one that is as long as the model has bands.
            progress: Is told what is adapted, and of every window.

        Returns:
            Class indices and probabilities, with the image's georeference.

        Raises:
            SceneError: The image cannot be read, or does not have the bands that the model takes.
            OptionError: `axis` has to be given, since both outer axes are as long as the model has bands.

        Example:
            >>> prediction = manet.load("banepa").predict("orthophoto.tif")
            >>> prediction.save("map.tif")
        """
        from manet.prediction.predict_image import predict_image

        return predict_image(self.runtime, self.card, image, settings, axis=axis, progress=progress)

    def save(self, path: str | Path, *, overwrite: bool = False, half: bool = False) -> None:
        """Write the model as a checkpoint.

        Args:
            path: File, .safetensors.
            overwrite: Replace a file that is there.
            half: Weights in 16 bits.

        Raises:
            NetworkError: The model is of exported graphs.
            OutputError: `path` exists and is not to be replaced, or cannot be written.
        """
        from manet.networks.checkpoint import write_checkpoint

        write_checkpoint(Path(path), self.network, self.card, overwrite, half=half)

    def _facts(self) -> dict[str, str]:
        card, settings = self.card, self.card.recipe.network
        ground = f" at {card.gsd_m:.2g} m a pixel" if card.gsd_m else ""
        score = card.scores.get("mean_iou")
        return {
            "network": f"{settings.name}, encoder {settings.encoder}",
            "maps": ", ".join(card.legend.names),
            "from": f"{', '.join(card.bands)} ({card.dtype}){ground}",
            "trained on": card.dataset + (f"; validation mean IoU {score:.3f}" if score is not None else ""),
            "computed by": f"{self.runtime.version}, {self.runtime.device_name}",
        } | ({"file": str(self.path)} if self.path else {})

    def __repr__(self) -> str:
        return "\n".join(["Model", *(f"  {name}: {value}" for name, value in self._facts().items())])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th><td style='text-align:left'>{html.escape(value)}"
            "</td></tr>"
            for name, value in self._facts().items()
        )
        return f"<table>{rows}</table>"


def load(model: str | Path, *, runtime: RuntimeName = "auto", device: str = "auto") -> Model:
    """A trained model.

    Args:
        model: The name of a released model, a checkpoint, the folder of a run, a folder of exported graphs, or an ONNX
            file of others with a card.
        runtime: What computes it. auto: graphs beside the checkpoint if they are up to date and the device is a CPU, by
            OpenVINO or, if only that is installed, ONNX Runtime; else PyTorch.
        device: auto, cpu, cuda or mps.

    Raises:
        CheckpointError: There is no such model (CheckpointNotFoundError), or its file is corrupt.
        ExportError: There are no graphs for the runtime that was asked for, or only graphs for PyTorch.
        MissingPackageError: The runtime is not installed.
        NetworkError: There is no such device, or graphs are to run on another device than a CPU.

    Example:
        >>> model = manet.load("banepa")
        >>> model.legend.names
        ['background', 'building']
    """
    path = find_model(model)
    kind = choose_runtime(path, runtime, device)
    if kind == "torch":
        from manet.networks.checkpoint import read_checkpoint
        from manet.runtime.device import choose_device
        from manet.runtime.pytorch import PyTorch

        network, card = read_checkpoint(path)
        return Model(PyTorch(network.to(choose_device(device)), sha256(path)), card, path)
    from manet.runtime.graphs import load_graphs

    if path.suffix == ".onnx" and path.is_file():
        from manet.runtime.other_graph import load_other

        graph, other = load_other(path, kind)
        return Model(graph, other.card(path, min(graph.only_size or (WINDOW, WINDOW))), path)
    folder = path if path.is_dir() else beside(path)
    if not path.is_dir() and not is_export_of(folder, path):
        raise ExportError(f"there is no up-to-date export of {path} at {folder}; export the checkpoint first")
    if device not in ("auto", "cpu"):
        raise NetworkError(f"{folder} runs on a CPU; got the device {device}")
    graphs = load_graphs(folder, kind)
    return Model(graphs, graphs.export.network, folder)


def predict_scene(
    model: Model,
    scene: str | Path,
    outputs: "str | Path | Outputs",
    settings: PredictionSettings = PredictionSettings(),  # noqa: B008 (frozen)
    progress: Progress = QUIET,
) -> None:
    """Map a scene of any size in bounded memory, or resume its map where it was stopped.

    Args:
        model: Of `load`.
        scene: An image that GDAL can read.
        outputs: The map to write, a GeoTIFF; or all that is to be written.
        settings: How to predict.
        progress: Is told what is adapted, and of every window.

    Raises:
        SceneError: The scene cannot be read, or does not have the bands that the model takes.
        OutputError: An output exists and is not to be replaced, or cannot be written.
        OptionError: Settings do not go together.
        NetworkError: Scene context would not be exact with this network.

    Example:
        >>> manet.predict_scene(model, "city.tif", "map.tif", manet.PredictionSettings(context="scene"))
    """
    from manet.prediction.outputs import Outputs
    from manet.prediction.predict_scene import predict_scene as run_prediction

    outputs = outputs if isinstance(outputs, Outputs) else Outputs(Path(outputs))
    run_prediction(model.runtime, model.card, scene, outputs, settings, progress)


def save(
    network: "Network | Model",
    path: str | Path,
    *,
    legend: Legend | None = None,
    bands: Sequence[str] = ("red", "green", "blue"),
    dtype: str = "uint8",
    gsd_m: float | None = None,
    overwrite: bool = False,
) -> None:
    """Write a network as a checkpoint, from which `load` and the command line predict.

    Args:
        network: Of `build`, trained in a loop of your own; or a model, whose own card is written.
        path: File, .safetensors.
        legend: The classes in the order of the network's outputs. Has to be given for a network.
        bands: The names of the bands in the order of the network's inputs.
        dtype: Number type of the imagery.
        gsd_m: Ground sampling distance of the imagery, metres a pixel; scenes of another one are resampled to it.
        overwrite: Replace a file that is there.

    Raises:
        NetworkError: Legend or bands are not as many as the network has.
        OutputError: `path` exists and is not to be replaced, or cannot be written.

    Warns:
        StatisticsWarning: The network standardises by mean 0 and deviation 1: its statistics were never set.
    """
    if isinstance(network, Model):
        network.save(path, overwrite=overwrite)
        return
    from manet.networks.checkpoint import write_checkpoint

    if legend is None or len(legend) != network.classes:
        got = "no legend" if legend is None else f"a legend of {len(legend)} classes"
        raise NetworkError(f"got {got}; the network has {network.classes} classes: give a legend of as many")
    if len(bands) != network.bands:
        raise NetworkError(f"got {len(bands)} names of bands; the network has {network.bands}: give as many")
    mean, std = network.band_mean.tolist(), network.band_std.tolist()
    if set(mean) == {0.0} and set(std) == {1.0}:
        warnings.warn(
            "the network standardises images by mean 0 and deviation 1; if it was trained on imagery in its own "
            "values, call network.set_statistics(mean, std) before training",
            StatisticsWarning,
            stacklevel=2,
        )
    card = Card(
        recipe=Recipe(
            network=NetworkSettings(name=network.name, encoder=network.encoder.name), patches=PatchSettings()
        ),
        dataset="a dataset of one's own",
        legend=legend,
        bands=tuple(bands),
        dtype=dtype,
        band_mean=tuple(mean),
        band_std=tuple(std),
        gsd_m=gsd_m,
        training_size=PatchSettings().size,
        scores={},
        attribution="",
        version=version("manet"),
    )
    write_checkpoint(Path(path), network, card, overwrite)


def list_models() -> list[str]:
    """The names of the released models, which `load` takes."""
    return list(released())
