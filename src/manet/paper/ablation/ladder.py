"""The ladder of an ablation: the recipe that it starts from and the changes that are tried, as a TOML file."""

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from manet.errors import RecipeError, RecipeNotFoundError
from manet.files import read_toml
from manet.recipe import read_recipe
from manet.wrong_values import explain

BASE = "base"
"""Name of the first rung."""


class Change(BaseModel):
    """Settings that are changed together, each as KEY=VALUE."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    set: tuple[str, ...] = Field(min_length=1)

    @field_validator("name")
    @classmethod
    def _is_a_folder(cls, name: str) -> str:
        if not re.fullmatch(r"[a-z0-9_-]+", name) or name == BASE:
            raise ValueError(
                f"'{name}' cannot be the name of a change; use lower-case letters, digits and dashes, and not '{BASE}'"
            )
        return name


class Ladder(BaseModel):
    """What is tried, in order: each change on top of the earlier ones that were kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str
    """The name of a recipe that comes with manet, or a TOML file."""
    set: tuple[str, ...] = ()
    """Changes to the base before anything is measured, each as KEY=VALUE."""
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
    """Each rung is trained with every seed; the mean of their scores decides."""
    change: tuple[Change, ...] = Field(min_length=1)


def read_ladder(path: Path) -> Ladder:
    """Read a ladder.

    Raises:
        RecipeNotFoundError: The file cannot be read.
        RecipeError: It is no ladder, or the recipe of a rung would not be valid.
    """
    try:
        ladder = Ladder.model_validate(read_toml(path, RecipeError))
    except OSError as error:
        raise RecipeNotFoundError(
            f"{path} cannot be read ({error.strerror}); give a TOML file with base and [[change]]"
        ) from error
    except ValidationError as error:
        raise RecipeError(f"{path}: {explain(error, Ladder)}; a ladder has base, set, seeds and [[change]]") from error
    names = [change.name for change in ladder.change]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise RecipeError(f"{path} has several changes called {', '.join(twice)}; give each a name of its own")
    for change in ladder.change:
        read_recipe(ladder.base, [*ladder.set, *change.set])
    return ladder
