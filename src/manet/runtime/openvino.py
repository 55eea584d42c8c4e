"""ONNX graphs, computed by OpenVINO, which reads them as they are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manet.runtime.export_card import Precision


class Session:
    """A graph that OpenVINO runs on the CPU."""

    def __init__(self, path: Path, precision: Precision, threads: int, cache: Path | None = None) -> None:
        """cache: folder for the compiled graph, so that the next start is quick."""
        import openvino

        self._core, self._source = openvino.Core(), path
        self._options = {
            # said in any case: on processors with bfloat16 OpenVINO would take that for float32 graphs too;
            # in int8 it is for what is not quantised
            "INFERENCE_PRECISION_HINT": "f32" if precision == "fp32" else "bf16",
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,  # so that threads can leave a processor that another program takes
        }
        kept = {} if cache is None else {"CACHE_DIR": str(cache)}
        self._model = self._core.compile_model(path, "CPU", self._options | kept)
        self._fixed, self._fixed_shapes = self._model, dict[str, tuple[int, ...]]()
        self._last_shapes: dict[str, tuple[int, ...]] = {}
        self._inputs = {name for port in self._model.inputs for name in port.names}  # a port can have several
        computed = self._model.get_property("INFERENCE_PRECISION_HINT").to_string()  # type: ignore[attr-defined]
        self.computes_in = {"f32": "float32", "bf16": "bfloat16"}[computed] if precision != "int8" else "int8"
        """What the processor makes of it: bfloat16 becomes float32 where there are no instructions for it."""

    def __call__(self, inputs: Mapping[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
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
        self._model.release_memory()  # what it holds for the shapes of its last call
        return self._fixed
