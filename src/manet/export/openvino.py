"""OpenVINO files: written from traced graphs or from ONNX, and run."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from manet.export.graphs import Graph


def write(graph: "Graph", path: Path, metadata: Mapping[str, str]) -> None:
    """Write a graph, float32, with these metadata; its weights lie beside it (.bin)."""
    import openvino

    from manet.export.graphs import quiet

    shapes = [
        openvino.PartialShape([-1 if axis in graph.changing[name] else size for axis, size in enumerate(example.shape)])
        for name, example in zip(graph.inputs, graph.examples, strict=True)
    ]
    with quiet():
        model = openvino.convert_model(graph.traced, example_input=graph.examples, input=shapes)
    for port, name in zip([*model.inputs, *model.outputs], [*graph.inputs, *graph.outputs], strict=True):
        port.get_tensor().set_names({name})
    _save(model, path, metadata)


def convert(onnx: Path, path: Path, metadata: Mapping[str, str]) -> None:
    """Write what an ONNX file holds, quantised or not."""
    import openvino

    _save(openvino.convert_model(onnx), path, metadata)


def _save(model: Any, path: Path, metadata: Mapping[str, str]) -> None:
    import openvino

    for name, value in metadata.items():
        model.set_rt_info(value, ["model_info", name])
    openvino.save_model(model, path, compress_to_fp16=False)
