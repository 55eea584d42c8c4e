"""int8: weights and what flows between convolutions in 8 bits, calibrated on training patches.

Attention's sums stay in float32: only convolutions are quantised.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manet.errors import ExportError

Inputs = Mapping[str, NDArray[np.float32]]
CONVOLUTIONS = ("Conv", "ConvTranspose")

KEPT_IN_FLOAT = (0, 3, 8)
"""How many of a graph's last convolutions stay in float32, tried in this order until the accuracy is kept: none, the
decoder's head, and with it its last block."""

LARGEST_LOSS = 0.003
"""Of mean IoU on validation patches."""


def quantise(source: Path, target: Path, inputs: Iterable[Inputs], kept_in_float: int) -> None:
    """Write an int8 form of a float32 ONNX graph, calibrated on these inputs (those it has no use for are left out)."""
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    model = onnx.load(source)
    needed = {port.name for port in model.graph.input}
    chosen = ({name: value for name, value in each.items() if name in needed} for each in inputs)

    class Reader(CalibrationDataReader):
        def get_next(self) -> Any:
            return next(chosen, None)

    for index, node in enumerate(model.graph.node):
        node.name = node.name or f"node{index}"
    onnx.save(model, target)
    convolutions = [node.name for node in model.graph.node if node.op_type in CONVOLUTIONS]
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)  # which speak of preparing the graph for other operations than these
    try:
        quantize_static(
            target,
            target,
            Reader(),
            op_types_to_quantize=list(CONVOLUTIONS),
            nodes_to_exclude=convolutions[len(convolutions) - kept_in_float :],
            per_channel=True,
            reduce_range=True,  # 7 bits: without VNNI pairs of products are added in 16 bits, which 8 would overflow
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
    finally:
        logging.disable(previous)


def keep_accuracy(attempt: Callable[[int], float], reference: float) -> int:
    """The least number of convolutions kept in float32 with which the mean IoU stays within LARGEST_LOSS.

    attempt: quantises so and gives the mean IoU. Raises ExportError where none suffices.
    """
    found: list[float] = []
    for kept in KEPT_IN_FLOAT:
        found.append(attempt(kept))
        if found[-1] >= reference - LARGEST_LOSS:
            return kept
    raise ExportError(
        f"in int8 the mean IoU on validation patches falls from {reference:.4f} to {max(found):.4f}; "
        f"at most {LARGEST_LOSS} may be lost; export in fp32"
    )
