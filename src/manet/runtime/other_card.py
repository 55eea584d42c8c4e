"""The card of a network that others trained: one ONNX file, and what it takes and gives.

It is written beside the file as NAME.card.json, or read from the file's own metadata, as the QGIS plug-in Deepness
writes and reads them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from manet.card import Card
from manet.errors import CheckpointError
from manet.legend import Legend, LegendClass
from manet.recipe import NetworkSettings, Recipe
from manet.wrong_values import explain

COLOURS = (
    (200, 200, 200),
    (230, 80, 60),
    (60, 140, 220),
    (90, 170, 80),
    (240, 190, 60),
    (150, 90, 180),
    (80, 200, 200),
    (160, 110, 70),
)
"""Of classes whose colour nobody said, in order; later ones are shades of these."""


class OtherCard(BaseModel):
    """What a network of others takes and gives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[str, ...] = Field(min_length=2)
    bands: tuple[str, ...] = ("red", "green", "blue")
    gsd_m: float | None = Field(default=None, gt=0)
    """Ground sampling distance of its training imagery, metres a pixel."""
    scale: float = Field(default=255.0, gt=0)
    """The imagery's values are divided by this, then standardised."""
    mean: tuple[float, ...]
    """Of each band, after the division."""
    std: tuple[float, ...]
    gives: Literal["logits", "probabilities"] = "logits"

    @model_validator(mode="after")
    def _as_many(self) -> "OtherCard":
        if len(self.mean) != len(self.bands) or len(self.std) != len(self.bands):
            raise ValueError("mean and std must have a value for each band")
        if min(self.std) <= 0:
            raise ValueError("std must be above 0")
        return self

    def card(self, file: Path, size: int) -> Card:
        """As maps are made with it.

        Args:
            file: The network's.
            size: Height and width of its windows, pixels.
        """
        legend = Legend(
            classes=tuple(LegendClass(name=name, colour=_colour(index)) for index, name in enumerate(self.classes))
        )
        return Card(
            recipe=Recipe(network=NetworkSettings(name=file.stem, encoder="unknown")),
            dataset="unknown",
            legend=legend,
            bands=self.bands,
            dtype="uint8" if self.scale == 255 else "float32",
            band_mean=tuple(self.scale * value for value in self.mean),
            band_std=tuple(self.scale * value for value in self.std),
            gsd_m=self.gsd_m,
            training_size=size,
            scores={},
            attribution="",
            version="",
        )


def card_file(file: Path) -> Path:
    """Where the card of an ONNX file lies."""
    return file.with_suffix(".card.json")


def read_other_card(file: Path, metadata: Mapping[str, str]) -> OtherCard:
    """The card beside an ONNX file, or else that in its metadata.

    Raises:
        CheckpointError: There is neither, or it is not as it must be.
    """
    beside = card_file(file)
    try:
        if beside.is_file():
            return OtherCard.model_validate_json(beside.read_text(encoding="utf-8-sig"))
        if "class_names" in metadata:
            return _of_deepness(metadata)
    except (ValidationError, ValueError, KeyError, OSError) as error:
        reason = explain(error, OtherCard) if isinstance(error, ValidationError) else str(error)
        raise CheckpointError(
            f"the card of {file} is not as it must be ({reason}); correct it, or write another"
        ) from error
    raise CheckpointError(
        f"{file} says neither its classes nor how its images are standardised; write a card for it, {beside}"
    )


def _of_deepness(metadata: Mapping[str, str]) -> OtherCard:
    values = {name: json.loads(text) for name, text in metadata.items() if text}
    kind = values.get("model_type", "Segmentor")
    if kind != "Segmentor":
        raise ValueError(f"the model is a {kind}, and only a Segmentor gives a map")
    named = values["class_names"]
    names = [named[index] for index in sorted(named, key=int)] if isinstance(named, dict) else list(named)
    mean = values.get("standardization_mean") or [0.0, 0.0, 0.0]
    std = values.get("standardization_std") or [1.0] * len(mean)
    usual = ("red", "green", "blue")
    bands = tuple(values.get("bands") or (usual if len(mean) == 3 else [f"band {k + 1}" for k in range(len(mean))]))
    resolution = values.get("resolution")
    return OtherCard(
        classes=tuple(names),
        bands=bands,
        gsd_m=resolution / 100 if resolution else None,
        mean=tuple(mean),
        std=tuple(std),
        gives=values.get("gives", "logits"),
    )


def _colour(index: int) -> tuple[int, int, int]:
    shade = 1 - 0.15 * (index // len(COLOURS))
    red, green, blue = (round(max(shade, 0.1) * value) for value in COLOURS[index % len(COLOURS)])
    return red, green, min(blue + index // len(COLOURS), 255)
