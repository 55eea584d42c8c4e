"""Which runtime a network is predicted with."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from manet.card import Card, read_card
from manet.errors import ExportError
from manet.runtime.export_card import Energy, Format, Precision, fingerprint, read_export_card

if TYPE_CHECKING:
    import torch

    from manet.networks import Network
    from manet.runtime.exported import ExportedNetwork

Runtime = Literal["torch", "openvino", "onnxruntime"]
Backend = Literal["auto", Runtime]
FORMAT_OF: dict[Runtime, Format] = {"openvino": "openvino", "onnxruntime": "onnx"}


def beside(checkpoint: Path, to: Format, precision: Precision = "fp32") -> Path:
    """Where an export lies if nothing else is said: best.openvino or best.int8.onnx, beside best.safetensors."""
    return checkpoint.with_suffix(f".{to}" if precision == "fp32" else f".{precision}.{to}")


def read_any_card(checkpoint: Path) -> Card:
    """Of a checkpoint, or of the network that an exported folder was made of."""
    if checkpoint.is_dir():
        return read_export_card(checkpoint).network
    return read_card(checkpoint)


def choose_backend(checkpoint: Path, backend: Backend, device: "torch.device", energy: Energy = "paper") -> Runtime:
    """What `load_backend` will run a network on; nothing is loaded or exported yet.

    Raises CheckpointError for a folder that is no export, ExportError where the backend does not run its format.
    """
    if checkpoint.is_dir():
        to = read_export_card(checkpoint).format
        runs: Runtime = next(runtime for runtime, form in FORMAT_OF.items() if form == to)
        if backend not in ("auto", runs):
            raise ExportError(
                f"{checkpoint} is for {runs}, not for {backend}; leave --backend out, or give the checkpoint"
            )
        return runs
    if backend != "auto":
        return backend
    usable = device.type == "cpu" and _is_of(beside(checkpoint, "openvino"), checkpoint, energy)
    return "openvino" if usable else "torch"


def load_backend(
    checkpoint: Path, backend: Backend, device: "torch.device", energy: Energy = "paper"
) -> "tuple[Network | ExportedNetwork, str]":
    """A network and what it runs on, in words.

    checkpoint: a checkpoint, or a folder that `manet export` wrote. A checkpoint is exported to a folder beside it the
    first time that a runtime other than torch is asked for. `auto` takes an up-to-date OpenVINO export beside the
    checkpoint on a CPU, which is the fastest that equals float32, and torch if there is none.
    Raises CheckpointError, and ExportError where the backend is not installed or does not run the folder's format.
    """
    runs = choose_backend(checkpoint, backend, device, energy)
    if runs == "torch":
        from manet.networks.checkpoint import load

        return load(checkpoint).to(device), f"torch, float32, {device}"
    from manet.runtime import exported

    folder, to = checkpoint, FORMAT_OF[runs]
    if not checkpoint.is_dir():
        folder = beside(checkpoint, to)
        exported.require(exported.PACKAGES[to], to)
        if not _is_of(folder, checkpoint, energy):
            from manet.export.write import export

            export(checkpoint, folder, to, energy=energy, overwrite=True)
    network = exported.load(folder).to(device)
    return network, f"{runs}, {network.computes_in}: {folder}"


def _is_of(folder: Path, checkpoint: Path, energy: Energy) -> bool:
    """Whether a folder is an export of this checkpoint as it is now."""
    if not folder.is_dir():
        return False
    card = read_export_card(folder)
    return card.energy == energy and card.checkpoint_sha256 == fingerprint(checkpoint)
