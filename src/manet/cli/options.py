"""Options that several commands share, and what becomes of them."""

import re
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from manet.errors import OptionError
from manet.progress import QUIET, Progress

if TYPE_CHECKING:
    from manet.model import Model
    from manet.prediction.settings import Halo

ContextOption = Annotated[
    Literal["window", "scene"],
    typer.Option(help="What attention sees: each window by itself, or the whole scene, exactly."),
]
WindowOption = Annotated[
    int | None,
    typer.Option(help="Height and width that the network sees, pixels: 512; with scene context what memory allows."),
]
OverlapOption = Annotated[int, typer.Option(help="Window context: pixels that windows share with their neighbours.")]
HaloOption = Annotated[
    str | None,
    typer.Option(
        help="Scene context: outer pixels of a window that are context only: a number, measured (on the scene) or "
        "theoretical; if not given, what training measured, else measured."
    ),
]
MemoryOption = Annotated[
    str, typer.Option(help="Scene context: memory that may be taken, such as 8GB or 500MB; more is faster.")
]
AugmentationOption = Annotated[
    Literal["none", "flips", "d4", "multiscale"],
    typer.Option(
        "--tta",
        help="Window context: probabilities averaged over test-time augmentations: 4 flips, 8 flips and turns, or "
        "3 scales with a flip.",
    ),
]
CollarOption = Annotated[
    Literal["auto", "keep", "black", "white", "both"],
    typer.Option(
        help="Which frame at the edges of images is nodata; auto: of the colour that fills their corners; keep: none."
    ),
]
BackendName = Literal["auto", "torch", "openvino", "onnxruntime"]
BackendOption = Annotated[
    BackendName,
    typer.Option(help="Runtime; auto: the graphs beside the checkpoint if the device is a CPU, else torch."),
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]


def open_model(name: str, backend: BackendName, device: str, progress: Progress = QUIET) -> "Model":
    """A model by name or path. A checkpoint is exported beside it the first time that it is to run on graphs.

    Raises:
        CheckpointError: There is no such model, or its file is corrupt.
        ExportError: PyTorch was asked for a folder of graphs.
        MissingPackageError: The runtime is not installed.
    """
    from manet.find_model import find_model
    from manet.model import load
    from manet.runtime.choose import choose_runtime
    from manet.runtime.export_card import beside, is_export_of

    path = find_model(name)
    kind = choose_runtime(path, backend, device)
    if kind != "torch" and path.suffix == ".safetensors" and not is_export_of(beside(path), path):
        from manet.export.write import export

        export(path, beside(path), overwrite=True, progress=progress)
    return load(path, runtime=kind, device=device)


def parse_halo(text: str | None) -> "Halo | None":
    """A halo as it is given: a number of pixels, or how it is found. Raises OptionError for anything else."""
    if text is None or text in ("measured", "theoretical"):
        return text  # type: ignore[return-value]
    if not text.isdecimal():
        raise OptionError(f"got a halo of '{text}'; expected a number of pixels, measured or theoretical")
    return int(text)


def parse_size(text: str) -> int:
    """Bytes of 500MB, 8GB or a plain number. Raises OptionError for anything else."""
    units = {"": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(|[KMG]B)", text.strip().upper())
    if not match:
        raise OptionError(f"got a memory of '{text}'; expected a size such as 500MB or 8GB")
    return int(float(match[1]) * units[match[2]])
