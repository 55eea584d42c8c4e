"""An exported network in int8: calibrated on training patches, its accuracy kept on validation patches."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from manet.datasets.manifest import Split, read_manifest
from manet.datasets.patches import Patch, Patches
from manet.errors import ExportError
from manet.evaluation.metrics import confusion, scores
from manet.export.quantise import Inputs, keep_accuracy, quantise
from manet.progress import Progress
from manet.runtime.export_card import DECODE, ENCODE, SUMMARISE, WHOLE, ExportCard
from manet.runtime.graphs import Graphs, named_features, named_summaries

PATCHES = 16
"""Of either split at most, spread over it."""


class Calibration:
    """The patches of a prepared dataset that a network is calibrated on and measured on."""

    def __init__(self, data: Path, export: ExportCard) -> None:
        """Raises ExportError where the dataset has other classes or bands than the network."""
        self.data, self.manifest, card = data, read_manifest(data), export.network
        if self.manifest.legend.names != card.legend.names or self.manifest.bands != card.bands:
            raise ExportError(
                f"dataset '{self.manifest.dataset}' has other classes or bands than the checkpoint; "
                "calibrate on the one that it was trained on"
            )
        # larger ones would only take longer, and memory: every activation of a patch is held at once
        self.size = min(card.training_size, 512) // export.stride * export.stride

    def patches(self, split: Split) -> Iterator[Patch]:
        patches = Patches(self.data, self.manifest, split, self.size)
        step = max(len(patches) // PATCHES, 1)
        for index in range(0, len(patches), step)[:PATCHES]:
            yield patches[0, index]

    def mean_iou(self, network: Graphs) -> float:
        counts = np.zeros((len(self.manifest.legend), len(self.manifest.legend)), np.int64)
        for patch in self.patches("validation"):
            classes = network.whole(patch["image"][None].numpy()).argmax(1)[0].astype(np.uint8)
            counts += confusion(patch["labels"].numpy().astype(np.uint8), classes, len(self.manifest.legend))
        return scores(counts, self.manifest.legend).mean_iou or 0.0

    def inputs(self, network: Graphs, graph: str) -> Iterator[Inputs]:
        """What a graph is given where the network predicts training patches."""
        for patch in self.patches("train"):
            images, valid = patch["image"][None].numpy(), patch["valid"][None].numpy()
            inputs = {"images": images, "valid": valid}
            if graph == DECODE:
                features = network.encode(images, valid)
                inputs = named_features(features) | named_summaries(network.summarise(features, valid))
            yield {name: np.ascontiguousarray(array, np.float32) for name, array in inputs.items()}


def to_int8(folder: Path, export: ExportCard, data: Path, progress: Progress) -> ExportCard:
    """Replace the float32 ONNX graphs in a folder by int8 ones.

    Raises ExportError where the dataset does not fit, or too much accuracy is lost.
    """
    network, calibration = Graphs(folder, export), Calibration(data, export)
    int8, card = folder / "int8", export.model_copy(update={"precision": "int8"})
    int8.mkdir()
    if (folder / f"{SUMMARISE}.onnx").is_file():
        shutil.copy(folder / f"{SUMMARISE}.onnx", int8)  # sums stay in float32

    def attempt(kept_in_float: int) -> float:
        progress.note(
            f"quantising, the last {kept_in_float} convolutions kept in float32" if kept_in_float else "quantising"
        )
        for name in (WHOLE, ENCODE, DECODE):
            kept = 0 if name == ENCODE else kept_in_float
            quantise(folder / f"{name}.onnx", int8 / f"{name}.onnx", calibration.inputs(network, name), kept)
        return calibration.mean_iou(Graphs(int8, card))

    reference = calibration.mean_iou(network)
    kept = keep_accuracy(attempt, reference)
    found = calibration.mean_iou(Graphs(int8, card))
    progress.note(f"mean IoU on validation patches: {reference:.4f} in float32, {found:.4f} in int8")
    for path in int8.iterdir():
        path.replace(folder / path.name)
    int8.rmdir()
    return card.model_copy(update={"float_convolutions": kept})
