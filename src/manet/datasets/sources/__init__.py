"""Every source that `manet prepare` knows, by name."""

import difflib
from collections.abc import Callable
from pathlib import Path

from manet.datasets.manifest import Manifest
from manet.datasets.prepare import Progress
from manet.datasets.sources import banepa, dubai
from manet.datasets.sources.town import prepare as town
from manet.errors import DatasetError

Preparer = Callable[[Path | None, Path, bool, Progress], Manifest]
"""(source folder, output folder, overwrite, progress) -> the manifest of what was written."""

SOURCES: dict[str, Preparer] = {"banepa": banepa.prepare, "dubai": dubai.prepare, "town": town.prepare}
"""Those that say all of themselves; `folder` takes settings besides."""


def preparer(name: str) -> Preparer:
    """The source's own way from its files to the one form. Raises DatasetError for an unknown name."""
    if name not in SOURCES:
        near = difflib.get_close_matches(name, SOURCES, n=1, cutoff=0.0)[0]
        raise DatasetError(f"no source '{name}'; there is {', '.join(SOURCES)} (nearest: {near})")
    return SOURCES[name]
