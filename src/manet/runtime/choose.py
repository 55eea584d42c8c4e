"""Which runtime computes a model."""

from pathlib import Path
from typing import Literal

from manet.errors import ExportError
from manet.extras import is_installed, require
from manet.machine import may_have_accelerator
from manet.runtime.export_card import beside, is_export_of, read_export_card

Kind = Literal["torch", "openvino", "onnxruntime"]
"""What can compute a network."""

RuntimeName = Literal["auto", "torch", "openvino", "onnxruntime"]


def choose_runtime(path: Path, runtime: RuntimeName, device: str = "auto") -> Kind:
    """What `load` takes to compute a model; nothing is loaded yet.

    Args:
        path: A checkpoint, a folder of graphs, or an ONNX file of others.
        runtime: What was asked for. auto: graphs on a CPU if there are any that are up to date, else PyTorch.
        device: auto, cpu, cuda or mps.

    Raises:
        CheckpointError: A folder is no export.
        ExportError: PyTorch was asked for, which does not run graphs.
        MissingPackageError: What was chosen is not installed.
    """
    kind = _choose(path, runtime, device)
    require(kind)
    return kind


def _choose(path: Path, runtime: RuntimeName, device: str) -> Kind:
    if path.suffix == ".onnx" and path.is_file():
        return _graphs(path, runtime)
    if path.is_dir():
        read_export_card(path)
        return _graphs(path, runtime)
    if runtime != "auto":
        return runtime
    if device not in ("auto", "cpu") or not is_export_of(beside(path), path):
        return "torch"
    if device == "auto" and may_have_accelerator() and is_installed("torch"):
        import torch

        if torch.accelerator.is_available():
            return "torch"
    return of_graphs()


def _graphs(path: Path, runtime: RuntimeName) -> Kind:
    if runtime == "torch":
        raise ExportError(f"{path} holds graphs, which torch does not run; load the checkpoint that they are of")
    return of_graphs() if runtime == "auto" else runtime


def of_graphs() -> Kind:
    """What runs graphs here: OpenVINO, which is faster, or ONNX Runtime if only that is installed."""
    return "onnxruntime" if is_installed("onnxruntime") and not is_installed("openvino") else "openvino"
