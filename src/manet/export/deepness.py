"""One ONNX file for the QGIS plug-in Deepness: a fixed size, probabilities, and what it asks for in the metadata."""

import json
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from manet.errors import ExportError
from manet.export.graph_metadata import metadata
from manet.export.graphs import folded, quiet
from manet.export.onnx import OPSET
from manet.export.parity import OF_HALF, imagery
from manet.files import replacing
from manet.networks import Network
from manet.networks.checkpoint import read_checkpoint
from manet.prediction.softmax import softmax
from manet.progress import QUIET, Progress

GIVES = {"gives": json.dumps("probabilities")}
"""What is read from the file where it is mapped without Deepness."""


class Probabilities(nn.Module):
    """images -> probabilities, every pixel valid."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        features = self.network.encode(images)
        logits = self.network.decode(self.network.refine(features, self.network.summarise(features)))
        return logits.softmax(1)


def export_for_deepness(
    checkpoint: Path, out: Path, *, size: int | None = None, overwrite: bool = False, progress: Progress = QUIET
) -> int:
    """Write a checkpoint's network as one file that Deepness loads.

    The plug-in shows height and width in a spin box, so they are fixed; it applies a threshold to what the graph gives,
    so the graph ends in a softmax and the threshold is 0; the batch stays free.

    Args:
        checkpoint: Of training.
        out: File to write, .onnx.
        size: Height and width of its windows, pixels, a multiple of the network's stride. None: as in training.
        overwrite: Replace a file that is there.
        progress: Is told what is done.

    Returns:
        The size that was taken.

    Raises:
        ExportError: The size is no multiple of the stride, the name is not of an ONNX file, or the file differs from
            the network.
        OutputError: `out` exists and is not to be replaced, or cannot be written.
    """
    network, card = read_checkpoint(checkpoint)
    if out.suffix.lower() != ".onnx":
        raise ExportError(f"{out} is not a name for the file, which is ONNX; expected one that ends in .onnx")
    if size is None:
        size = -(-card.training_size // network.stride) * network.stride
    if size < network.stride or size % network.stride:
        raise ExportError(f"got a size of {size} pixels; expected a multiple of the network's stride, {network.stride}")
    progress.note(f"tracing {network.name} at {size} x {size} pixels")
    images = torch.from_numpy(imagery(card, size, size))
    with replacing(out, overwrite) as partial, torch.no_grad(), quiet():
        torch.onnx.export(
            Probabilities(folded(network)).eval(),
            (images,),
            str(partial),
            dynamo=False,
            opset_version=OPSET,
            input_names=["images"],
            output_names=["probabilities"],
            dynamic_axes={"images": {0: "batch"}, "probabilities": {0: "batch"}},
        )
        model = onnx.load(partial)
        values = metadata(card, "deepness") | {name: str(size) for name in ("tile_size", "tiles_size")}
        onnx.helper.set_model_props(model, values | {"seg_thresh": "0.0", "seg_small_segment": "0"} | GIVES)
        onnx.save(model, partial)
        expected = softmax(network(images).numpy())
        off = float(np.abs(_computed(partial, images.numpy()) - expected).max())
        if not off <= OF_HALF:
            raise ExportError(f"the file differs from the network by {off:.2g} of a probability; it was not written")
    return size


def _computed(path: Path, images: np.ndarray) -> np.ndarray:
    from manet.runtime.choose import of_graphs
    from manet.runtime.graphs import SESSIONS

    return SESSIONS[of_graphs()](path, "fp32", 1)({"images": images})[0]
