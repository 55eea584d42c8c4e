"""OpenVINO files: written from traced graphs or from ONNX, and run."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from manet.export.card import Precision

if TYPE_CHECKING:
    import numpy as np

    from manet.export.graphs import Graph

SUFFIX = ".xml"


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


class Session:
    """A graph that OpenVINO runs on the CPU."""

    def __init__(self, path: Path, precision: Precision, threads: int) -> None:
        import openvino

        self._core, self._source = openvino.Core(), path
        self._options = {
            # said in any case: on processors with bfloat16 OpenVINO would take that for float32 graphs too;
            # in int8 it is for what is not quantised
            "INFERENCE_PRECISION_HINT": "f32" if precision == "fp32" else "bf16",
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,  # so that threads can leave a processor that another program takes
        }
        self._model = self._core.compile_model(path, "CPU", self._options)
        self._fixed, self._fixed_shapes = self._model, dict[str, tuple[int, ...]]()
        self._last_shapes: dict[str, tuple[int, ...]] = {}
        self._inputs = {port.any_name for port in self._model.inputs}
        computed = self._model.get_property("INFERENCE_PRECISION_HINT").to_string()  # type: ignore[attr-defined]
        self.computes_in = {"f32": "float32", "bf16": "bfloat16"}[computed] if precision != "int8" else "int8"
        """What the processor makes of it: bfloat16 becomes float32 where there are no instructions for it."""

    def __call__(self, inputs: "Mapping[str, NDArray[np.float32]]") -> "list[NDArray[np.float32]]":
        """Outputs in their order. Inputs that the graph has no use for are left out."""
        chosen = {name: value for name, value in inputs.items() if name in self._inputs}
        model = self._for_shapes({name: value.shape for name, value in chosen.items()})
        results = model(chosen)
        return [results[port] for port in model.outputs]

    def _for_shapes(self, shapes: dict[str, tuple[int, ...]]) -> Any:
        """The model for any shapes, or, for those that came twice running, one for just these: a tenth faster."""
        if shapes == self._fixed_shapes:
            return self._fixed
        if shapes != self._last_shapes:
            self._last_shapes = shapes
            return self._model
        model = self._core.read_model(self._source)
        model.reshape({name: list(shape) for name, shape in shapes.items()})
        self._fixed, self._fixed_shapes = self._core.compile_model(model, "CPU", self._options), shapes
        return self._fixed
