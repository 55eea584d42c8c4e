"""Which runtime computes a model."""

from pathlib import Path
from typing import Literal

from manet.errors import ExportError
from manet.runtime.export_card import FORMAT_OF, Kind, beside, is_export_of, read_export_card

RuntimeName = Literal["auto", "torch", "openvino", "onnxruntime"]


def choose_runtime(path: Path, runtime: RuntimeName, device: str = "auto") -> Kind:
    """What `load` takes to compute a model; nothing is loaded yet.

    Raises:
        CheckpointError: A folder is no export.
        ExportError: The export is of another runtime than the one that was asked for.
    """
    if path.is_dir():
        to = read_export_card(path).format
        runs: Kind = next(kind for kind, form in FORMAT_OF.items() if form == to)
        if runtime not in ("auto", runs):
            raise ExportError(f"{path} is for {runs}, not for {runtime}; load it for {runs}, or load the checkpoint")
        return runs
    if runtime != "auto":
        return runtime
    if device not in ("auto", "cpu") or not is_export_of(beside(path, "openvino"), path):
        return "torch"
    if device == "auto":
        import torch

        if torch.accelerator.is_available():
            return "torch"
    return "openvino"
