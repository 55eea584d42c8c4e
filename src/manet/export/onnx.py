"""ONNX files: written from traced graphs; those of one folder share their weights, which lie beside them once."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from manet.errors import ExportError
from manet.runtime.export_card import WEIGHTS

if TYPE_CHECKING:
    from manet.export.graphs import Graph


OPSET = 18

SHARED = 1024
"""Bytes from which an array lies beside the graphs."""

ALIGNED = 64
"""Arrays begin at multiples of so many bytes, as processors like to read them."""


def write(graph: "Graph", path: Path, metadata: Mapping[str, str]) -> None:
    """Write a graph, float32, with these metadata and its weights."""
    import onnx
    import torch

    from manet.export.graphs import quiet

    with quiet():
        torch.onnx.export(
            graph.traced,
            graph.examples,
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=graph.inputs,
            output_names=graph.outputs,
            dynamic_axes={name: {axis: f"{name}_{axis}" for axis in axes} for name, axes in graph.changing.items()},
        )
    model = onnx.load(path)
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.save(model, path)


def share_weights(folder: Path, half: bool) -> None:
    """Move the weights of all graphs in a folder into one file, equal ones once.

    Args:
        folder: Holds the graphs, .onnx; a file `weights.bin` is written beside them.
        half: Keep floating-point weights in 16 bits; the graphs widen them, and compute as before.

    Raises:
        ExportError: A weight is beyond what 16 bits hold.
    """
    import onnx

    models = {path: onnx.load(path) for path in sorted(folder.glob("*.onnx"))}
    offsets = dict[bytes, int]()
    with (folder / WEIGHTS).open("wb") as file:
        for model in models.values():
            widened = []
            for weight in model.graph.initializer:
                array = onnx.numpy_helper.to_array(weight)
                if array.nbytes < SHARED:
                    continue
                if half and array.dtype == np.float32:
                    array = _halved(array, weight.name)
                    widened.append(_widen(weight))
                data = array.tobytes()
                digest = hashlib.sha256(data).digest()
                if digest not in offsets:
                    file.write(bytes(-file.tell() % ALIGNED))
                    offsets[digest] = file.tell()
                    file.write(data)
                _lies_beside(weight, array.dtype, offsets[digest], len(data))
            for index, node in enumerate(widened):
                model.graph.node.insert(index, node)
    for path, model in models.items():
        path.write_bytes(model.SerializeToString())


def _halved(array: np.ndarray, name: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        halved = array.astype(np.float16)
    if not np.isfinite(halved).all():
        raise ExportError(f"{name} has values beyond 65504, which half precision cannot hold; export in full precision")
    return halved


def _widen(weight: Any) -> Any:
    """Rename a weight that is kept in 16 bits, and give the node that makes the one of 32 bits of it."""
    import onnx

    name, weight.name = weight.name, f"{weight.name}_half"
    return onnx.helper.make_node("Cast", [weight.name], [name], name=f"{name}_widened", to=onnx.TensorProto.FLOAT)


def _lies_beside(weight: Any, dtype: np.dtype[Any], offset: int, length: int) -> None:
    """Let a weight be bytes of the shared file."""
    import onnx

    weight.data_type = onnx.helper.np_dtype_to_tensor_dtype(dtype)
    for data in ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data"):
        weight.ClearField(data)
    weight.data_location = onnx.TensorProto.EXTERNAL
    del weight.external_data[:]
    for key, value in (("location", WEIGHTS), ("offset", str(offset)), ("length", str(length))):
        weight.external_data.add(key=key, value=value)
