"""ONNX graphs, computed by ONNX Runtime."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.errors import ExportError
from manet.runtime.export_card import Precision


class Session:
    """A graph that ONNX Runtime runs on the CPU."""

    def __init__(self, path: Path, precision: Precision, threads: int, cache: Path | None = None) -> None:
        """cache: not looked at; ONNX Runtime starts quickly.

        Raises:
            ExportError: The precision is bfloat16.
        """
        import onnxruntime

        if precision == "bf16":
            raise ExportError("ONNX Runtime has no bfloat16 convolutions on a CPU; use OpenVINO, or graphs of float32")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._inputs = {port.name for port in self._session.get_inputs()}
        self.computes_in = "float32" if precision == "fp32" else precision

    def __call__(self, inputs: Mapping[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Outputs in their order. Inputs that the graph has no use for are left out."""
        return self._session.run(None, {name: value for name, value in inputs.items() if name in self._inputs})  # type: ignore[return-value]
