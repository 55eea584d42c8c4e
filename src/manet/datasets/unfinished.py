"""What a stopped preparation leaves for the next one: the scenes that are whole, and what they were made from."""

import json
from pathlib import Path

from manet.datasets.manifest import SceneEntry
from manet.raster.writer import replacing

UNFINISHED = "unfinished.json"
"""Stands in the folder until the manifest does."""


class Unfinished:
    """The whole scenes of a folder without manifest, each with its stamp."""

    def __init__(self, out: Path) -> None:
        """A file that cannot be read is as none: everything is made again."""
        self._out, self._path = out, out / UNFINISHED
        try:
            self._stamps: dict[str, str] = dict(json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            self._stamps = {}

    def holds(self, entry: SceneEntry, stamp: str) -> bool:
        """Whether the scene's files are there and were made so."""
        files = (entry.image, entry.given_labels, entry.eroded)
        return self._stamps.get(entry.name) == stamp and all((self._out / f).is_file() for f in files if f is not None)

    def add(self, entry: SceneEntry, stamp: str) -> None:
        self._stamps[entry.name] = stamp
        with replacing(self._path, overwrite=True) as partial:
            partial.write_text(json.dumps(self._stamps, indent=1), encoding="utf-8")

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)
