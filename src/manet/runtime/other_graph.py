"""A network that others trained, from one ONNX file: mapped window by window, with our blending, nodata and memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from manet.errors import CheckpointError, NetworkError
from manet.extras import require
from manet.files import sha256
from manet.machine import available, threads
from manet.raster.windows import Place
from manet.runtime.cache import cache_of
from manet.runtime.choose import Kind, of_graphs
from manet.runtime.graphs import SESSIONS
from manet.runtime.other_card import OtherCard, read_other_card
from manet.runtime.protocol import Features, Floats, Runtime, Summary, Valid, as_weights

STRIDE = 32
"""Images of files that take any size are padded to multiples of it, as nearly all networks need."""


@dataclass(frozen=True)
class GraphFacts:
    """What an ONNX file says of itself."""

    input: str
    bands: int | None
    """None where the file takes any number."""
    size: tuple[int, int] | None
    """The only height and width that it takes, pixels; None where it takes any."""
    channels: int | None
    """Of its output."""
    metadata: dict[str, str]


def read_graph(file: Path) -> GraphFacts:
    """What an ONNX file says of itself, without compiling it.

    Raises:
        CheckpointError: It is no ONNX file, or not a network from one image to one map.
        MissingPackageError: No runtime is installed.
    """
    kind = of_graphs()
    require(kind)
    try:
        inputs, outputs, metadata = _by_openvino(file) if kind == "openvino" else _by_onnxruntime(file)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise CheckpointError(f"{file} is not an ONNX file that {kind} can read ({reason})") from error
    if len(inputs) != 1:
        raise CheckpointError(
            f"{file} has the inputs {', '.join(name for name, _ in inputs)}; only networks that take one image are read"
        )
    (name, shape), (_, found) = inputs[0], outputs[0]
    if len(shape) != 4 or len(found) != 4:
        raise CheckpointError(
            f"{file} takes an array of {len(shape)} axes and gives one of {len(found)}; expected images and scores, "
            "(batch, channels, height, width) both"
        )
    height, width = shape[2:]
    size = (height, width) if height and width else None
    return GraphFacts(name, shape[1], size, found[1], metadata)


class OtherGraph(Runtime):
    """One graph from images to logits or probabilities. It has no parts, so it cannot have scene context."""

    fields: Sequence[Any] = ()

    def __init__(self, file: Path, card: OtherCard, facts: GraphFacts, kind: Kind | None = None) -> None:
        self.file, self.other, self.facts, self._kind = file, card, facts, kind or of_graphs()
        self.digest, self.stride, self.only_size = sha256(file), STRIDE, facts.size

    @property
    def description(self) -> str:
        return f"{self._kind}, {self._session.computes_in}: {self.file}"

    @property
    def kind(self) -> str:
        return self._kind

    @property
    def version(self) -> str:
        return f"{self.kind} {version(self.kind)}"

    def whole(self, images: Floats, valid: Valid | None = None) -> Floats:
        """Logits, or logarithms of probabilities. Pixels that are not valid have the mean of the training imagery."""
        height, width = images.shape[2:]
        mean, std = (np.asarray(values, np.float32).reshape(-1, 1, 1) for values in (self.other.mean, self.other.std))
        images = (images / np.float32(self.other.scale) - mean) / std
        if valid is not None:
            images = np.where(as_weights(valid, images.shape) > 0, images, np.float32(0))
        rows, columns = self.facts.size or (-(-height // STRIDE) * STRIDE, -(-width // STRIDE) * STRIDE)
        if height > rows or width > columns:
            raise NetworkError(f"{self.file} takes images of {rows} x {columns} pixels; got {height} x {width}")
        padded = np.pad(images, ((0, 0), (0, 0), (0, rows - height), (0, columns - width)))
        found = np.concatenate([self._session({self.facts.input: image[None]})[0] for image in padded])
        if found.shape[2:] != (rows, columns):
            raise NetworkError(
                f"{self.file} gives scores of {found.shape[2]} x {found.shape[3]} pixels for images of {rows} x "
                f"{columns}; expected the same size"
            )
        found = found[..., :height, :width].astype(np.float32)
        return _logits(found, self.other.gives == "probabilities")

    def encode(self, images: Floats, valid: Valid | None = None) -> Features:
        raise self._no_parts()

    def summarise(self, features: Features, valid: Valid | None = None, place: Place | None = None) -> list[Summary]:
        raise self._no_parts()

    def refine(self, features: Features, summaries: Sequence[Summary], place: Place | None = None) -> Features:
        raise self._no_parts()

    def decode(self, features: Features) -> Floats:
        raise self._no_parts()

    def check_local(self) -> None:
        raise self._no_parts()

    def theoretical_halo(self) -> int:
        raise self._no_parts()

    def bytes_per_pixel(self) -> float | None:
        return None

    def free_memory(self) -> int:
        return available()

    def _no_parts(self) -> NetworkError:
        return NetworkError(f"{self.file} is one graph without parts, so it has no scene context; take window context")

    @cached_property
    def _session(self) -> Any:
        return SESSIONS[self._kind](self.file, "fp32", threads(), cache_of(self.digest))


def load_other(file: Path, kind: Kind | None = None) -> tuple[OtherGraph, OtherCard]:
    """A network that others trained, from an ONNX file with a card beside it or in its metadata.

    Raises:
        CheckpointError: The file or its card is not as it must be, or they do not go together.
    """
    facts = read_graph(file)
    card = read_other_card(file, facts.metadata)
    if facts.bands not in (None, len(card.bands)):
        raise CheckpointError(
            f"{file} takes {facts.bands} bands, its card names {len(card.bands)} ({', '.join(card.bands)}); correct "
            "the card"
        )
    expected = 2 if facts.channels == 1 else facts.channels
    if expected not in (None, len(card.classes)):
        raise CheckpointError(
            f"{file} gives {facts.channels} channels, its card names {len(card.classes)} classes "
            f"({', '.join(card.classes)}); correct the card"
        )
    return OtherGraph(file, card, facts, kind), card


def _logits(found: Floats, are_probabilities: bool) -> Floats:
    """Of each class: one channel is that of the second of two classes."""
    if are_probabilities:
        found = np.clip(found, 1e-7, 1)
        both = np.concatenate([1 - found, found], axis=1) if found.shape[1] == 1 else found
        return np.log(np.maximum(both, np.float32(1e-7)))
    return np.concatenate([np.zeros_like(found), found], axis=1) if found.shape[1] == 1 else found


Ports = list[tuple[str, list[int | None]]]


def _by_openvino(file: Path) -> tuple[Ports, Ports, dict[str, str]]:
    import openvino

    model = openvino.Core().read_model(file)

    def ports(found: Any) -> Ports:
        return [
            (port.any_name, [d.get_length() if d.is_static else None for d in port.get_partial_shape()])
            for port in found
        ]

    known = model.get_rt_info(["framework"]).value if model.has_rt_info(["framework"]) else {}
    return ports(model.inputs), ports(model.outputs), {str(name): str(value) for name, value in known.items()}


def _by_onnxruntime(file: Path) -> tuple[Ports, Ports, dict[str, str]]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])

    def ports(found: Any) -> Ports:
        return [(port.name, [d if isinstance(d, int) else None for d in port.shape]) for port in found]

    return ports(session.get_inputs()), ports(session.get_outputs()), session.get_modelmeta().custom_metadata_map
