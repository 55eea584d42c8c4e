"""The folder of a training run: what its files are called, and its log."""

import csv
from pathlib import Path

RECIPE, LOG = "recipe.json", "log.csv"


def read_log(path: Path) -> list[dict[str, str]]:
    """The rows of a run's log by column name, one per epoch; none if there is no log yet."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))
