"""ONNX files: written from traced graphs, run by ONNX Runtime."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from manet.export.graphs import Graph


OPSET = 18


def write(graph: "Graph", path: Path, metadata: Mapping[str, str]) -> None:
    """Write a graph, float32, with these metadata."""
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
