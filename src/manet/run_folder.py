"""The folder of a training run: what its files are called, and its log."""

import csv
from pathlib import Path

from pydantic import ValidationError

from manet.errors import TrainingError
from manet.recipe import Recipe
from manet.wrong_values import explain

RECIPE, LOG = "recipe.json", "log.csv"


def read_kept_recipe(folder: Path) -> Recipe:
    """The recipe that a run was started with. Raises TrainingError if its file is missing or damaged."""
    path = folder / RECIPE
    try:
        return Recipe.model_validate_json(path.read_text(encoding="utf-8-sig"))
    except ValidationError as error:
        reason = explain(error, Recipe)
    except (OSError, UnicodeDecodeError) as error:
        reason = str(error)
    raise TrainingError(f"{path} is damaged ({reason}); give the folder of a run, or start a new run")


def read_log(path: Path) -> list[dict[str, str]]:
    """The rows of a run's log by column name, one per epoch; none if there is no log yet.

    Raises TrainingError if the log is damaged.
    """
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        for row in rows:
            _ = int(row["epoch"]), int(row["step"]), float(row["seconds"])
    except (OSError, ValueError, LookupError, TypeError, csv.Error) as error:
        raise TrainingError(f"{path} is damaged ({error}); take its last rows out, or start a new run") from error
    return rows
