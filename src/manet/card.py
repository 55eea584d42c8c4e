"""The card of a trained network: what it was made from, what it takes and what it gives. Stored in the checkpoint."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError, safe_open

from manet.errors import CheckpointError, CheckpointNotFoundError, ManetError
from manet.legend import Legend
from manet.recipe import Recipe
from manet.wrong_values import explain

DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64")
"""Number types of imagery."""

METADATA = "manet"
"""The key of the card in a checkpoint's metadata."""


class Card(BaseModel):
    """Everything about a trained network but its weights."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    recipe: Recipe
    dataset: str
    legend: Legend
    bands: tuple[str, ...] = Field(min_length=1)
    dtype: str
    """Number type of the imagery it was trained on."""
    band_mean: tuple[float, ...]
    band_std: tuple[Annotated[float, Field(gt=0)], ...]
    gsd_m: float | None = Field(gt=0)
    """Ground sampling distance of the training imagery, metres a pixel."""
    training_size: int = Field(gt=0)
    """Height and width of the training patches, pixels."""
    halo: int | None = Field(default=None, ge=0)
    """Pixels of context that scene context needs around what a window decides, measured on the validation areas; None
    where it was not measured, or the network cannot have it."""
    scores: dict[str, Any]
    """Of the best epoch on the validation split."""
    attribution: str
    version: str
    """Of manet, when it was trained."""

    @model_validator(mode="after")
    def _consistent(self) -> "Card":
        for name in ("band_mean", "band_std"):
            if (count := len(getattr(self, name))) != len(self.bands):
                raise ValueError(f"{name} has {count} values for {len(self.bands)} bands")
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype is '{self.dtype}'; expected one of {', '.join(DTYPES)}")
        return self


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
