"""What an exported network says of itself: `card.json` beside its graphs."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from manet.card import Card, without_energy
from manet.errors import CheckpointError
from manet.files import sha256
from manet.summaries import SummaryField
from manet.wrong_values import explain

T = TypeVar("T")

CARD, WEIGHTS = "card.json", "weights.bin"
"""Beside the graphs: what the network is, and the weights of all of them."""

Precision = Literal["fp32", "bf16", "int8"]

WHOLE, ENCODE, SUMMARISE, DECODE = "whole", "encode", "summarise", "decode"
"""The graphs: a network whose pixels are all valid, and its parts."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Parts(_Frozen):
    """What a network's features and summaries are, so that flat lists of tensors can be put together again."""

    features: int
    summaries: tuple[tuple[SummaryField, ...], ...]
    """The tensors of each level's summary, and how each is merged."""

    def nest(self, flat: Sequence[T]) -> list[tuple[T, ...]]:
        """A flat list as one tuple a level."""
        rest = iter(flat)
        return [tuple(next(rest) for _ in fields) for fields in self.summaries]


class Parity(_Frozen):
    """How far the exported network is from the network it was made of."""

    height: int
    width: int
    case: Literal["valid", "nodata", "scene", "patches"]
    """All pixels valid; some not; refined with merged summaries; validation patches of imagery."""
    probability: float
    """Largest difference."""
    equal_classes: float
    """Share of the pixels that are no ties."""


class ExportCard(_Frozen):
    """Everything about an exported network but its graphs."""

    network: Card
    precision: Precision
    """What is computed in."""
    half: bool
    """Whether the weights are kept in 16 bits; what is computed in is another matter."""
    stride: int = Field(gt=0)
    first_stride: int = Field(gt=0)
    """Of the first feature."""
    parts: Parts
    no_scene_context: str | None
    """Why scene context would not be exact; None where it is."""
    theoretical_halo: int | None = Field(default=None, ge=0)
    """The halo that no pixel outside can reach past, pixels; None where scene context would not be exact."""
    bytes_per_pixel: float | None = Field(default=None, gt=0)
    """Memory that a pixel of a window takes at the peak, measured; None where the system does not tell."""
    checkpoint_sha256: str
    graphs_sha256: str | None = None
    """Of the graphs and their weights, see `digest_of_graphs`; None in exports of earlier versions."""
    parity: tuple[Parity, ...]
    float_convolutions: int = 0
    """int8: how many of the last convolutions stay in float32, for accuracy."""

    @model_validator(mode="before")
    @classmethod
    def _of_earlier_versions(cls, values: Any) -> Any:
        return without_energy(values, CheckpointError)


def read_export_card(folder: Path) -> ExportCard:
    """Raises CheckpointError where a folder is no exported network."""
    try:
        return ExportCard.model_validate_json((folder / CARD).read_text(encoding="utf-8-sig"))
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        reason = explain(error, ExportCard) if isinstance(error, ValidationError) else getattr(error, "strerror", error)
        raise CheckpointError(f"{folder} is no exported network ({reason}); export the checkpoint again") from error


def digest_of_graphs(folder: Path) -> str:
    """A SHA-256 of the names and bytes of an export's graphs and weights.

    Raises:
        CheckpointError: One of them cannot be read.
    """
    digest = hashlib.sha256()
    try:
        for path in sorted([*folder.glob("*.onnx"), *folder.glob(WEIGHTS)]):
            digest.update(f"{path.name} {sha256(path)}\n".encode())
    except OSError as error:
        raise CheckpointError(
            f"{error.filename} cannot be read ({error.strerror}); export the checkpoint again"
        ) from error
    return digest.hexdigest()


def check_graphs(folder: Path, card: ExportCard) -> None:
    """Raises CheckpointError where the graphs are not those that the card was written for."""
    if card.graphs_sha256 not in (None, digest_of_graphs(folder)):
        raise CheckpointError(
            f"the graphs in {folder} are damaged, or are not those of its {CARD}; export the checkpoint again"
        )


def beside(checkpoint: Path, precision: Precision = "fp32") -> Path:
    """Where an export lies if nothing else is said: best.onnx or best.int8.onnx, beside best.safetensors."""
    return checkpoint.with_suffix(".onnx" if precision == "fp32" else f".{precision}.onnx")


def is_export_of(folder: Path, checkpoint: Path) -> bool:
    """Whether a folder is an export of this checkpoint as it is now, that this version can read."""
    if not folder.is_dir():
        return False
    try:
        return read_export_card(folder).checkpoint_sha256 == sha256(checkpoint)
    except CheckpointError:
        return False
