"""The card of a trained network: what it was made from, what it takes and what it gives. Stored in the checkpoint."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open

from manet.errors import CheckpointError, CheckpointNotFoundError, ManetError
from manet.legend import Legend
from manet.recipe import Recipe
from manet.wrong_values import explain

METADATA = "manet"
"""The key of the card in a checkpoint's metadata."""


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


def read_card(path: str | Path) -> Card:
    """The card without the weights. Raises CheckpointError where the file is missing, corrupt or another's."""
    if not Path(path).is_file():
        raise CheckpointNotFoundError(f"no checkpoint at {path}; give a .safetensors file that training wrote")
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is corrupt or no checkpoint ({error}); get it again, or train again") from error
    if METADATA not in metadata:
        raise CheckpointError(f"{path} is a safetensors file without a card of manet; give one that training wrote")
    try:
        return Card.model_validate_json(metadata[METADATA])
    except ValidationError as error:
        raise CheckpointError(
            f"{path} has a card that this version cannot read ({explain(error, Card)}); use the one that wrote it"
        ) from error


def without_energy(values: Any, error: type[ManetError]) -> Any:
    """The content of an export's card or of scores without `energy`, which earlier versions wrote.

    They could scale the channel attention's energy to the size of the training patches ("training"). "paper", as
    everywhere now, is dropped.

    Args:
        values: What was read; only a dictionary is looked at.
        error: What is raised for "training".
    """
    if not isinstance(values, dict) or "energy" not in values:
        return values
    if values["energy"] != "paper":
        raise error(
            f"got the energy {values['energy']!r}, which an earlier version could scale to the training size; only "
            "'paper' is supported: export or evaluate the checkpoint again"
        )
    return {name: value for name, value in values.items() if name != "energy"}
