"""The card of a trained network: what it was made from, what it takes and what it gives. Stored in the checkpoint."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from manet.legend import Legend
from manet.recipe import Recipe


class Card(BaseModel):
    """Everything about a trained network but its weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: Recipe
    dataset: str
    legend: Legend
    bands: tuple[str, ...]
    dtype: str
    """Number type of the imagery it was trained on."""
    band_mean: tuple[float, ...]
    band_std: tuple[float, ...]
    gsd_m: float | None
    """Ground sampling distance of the training imagery, metres a pixel."""
    training_size: int
    """Height and width of the training patches, pixels."""
    halo: int | None = None
    """Pixels of context that scene context needs around what a window decides, measured on the validation areas; None
    where it was not measured, or the network cannot have it."""
    scores: dict[str, Any]
    """Of the best epoch on the validation split."""
    attribution: str
    version: str
    """Of manet, when it was trained."""
