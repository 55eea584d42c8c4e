"""ONNX files: written from traced graphs, run by ONNX Runtime."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import NDArray

from manet.export.card import Precision

if TYPE_CHECKING:
    import numpy as np

    from manet.export.graphs import Graph

SUFFIX = ".onnx"
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


class Session:
    """A graph that ONNX Runtime runs on the CPU."""

    def __init__(self, path: Path, precision: Precision, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._inputs = {port.name for port in self._session.get_inputs()}
        self.computes_in = "float32" if precision == "fp32" else precision

    def __call__(self, inputs: "Mapping[str, NDArray[np.float32]]") -> "list[NDArray[np.float32]]":
        """Outputs in their order. Inputs that the graph has no use for are left out."""
        return self._session.run(None, {name: value for name, value in inputs.items() if name in self._inputs})  # type: ignore[return-value]
