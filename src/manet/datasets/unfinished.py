"""What an interrupted preparation leaves for the next one: its complete scenes, and what they were made from."""

from pathlib import Path

from manet.datasets.manifest import SceneEntry
from manet.errors import OutputError

UNFINISHED = "unfinished.txt"
"""A file in the folder until the manifest is written: one line per scene with its stamp and its name."""


class Unfinished:
    """The complete scenes of a folder without a manifest, each with its stamp."""

    def __init__(self, out: Path) -> None:
        """Read what an earlier run left in the folder `out`, if anything."""
        self._out, self._path = out, out / UNFINISHED
        text = self._path.read_text(encoding="utf-8") if self._path.is_file() else ""
        whole = text[: text.rfind("\n") + 1]  # a run may have been killed while it wrote a line
        self._stamps = {name: stamp for stamp, _, name in (line.partition(" ") for line in whole.splitlines())}

    @property
    def exists(self) -> bool:
        """Whether a preparation was begun in the folder."""
        return self._path.is_file()

    def begin(self) -> None:
        """Mark the folder as one that is being prepared."""
        try:
            self._out.mkdir(parents=True, exist_ok=True)
            self._path.touch()
        except OSError as error:
            raise OutputError(f"{self._out} cannot be written ({error.strerror}); check the folder") from error

    def holds(self, entry: SceneEntry, stamp: str) -> bool:
        """Whether the scene's files are there and were made from what the stamp stands for."""
        files = (entry.image, entry.given_labels, entry.eroded)
        return self._stamps.get(entry.name) == stamp and all((self._out / f).is_file() for f in files if f is not None)

    def add(self, entry: SceneEntry, stamp: str) -> None:
        """Note that a scene's files are complete."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{stamp} {entry.name}\n")

    def forget(self) -> None:
        """Remove the file, once the manifest is there."""
        self._path.unlink(missing_ok=True)
