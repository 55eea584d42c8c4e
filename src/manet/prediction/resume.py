"""What is finished of a prediction, in a folder beside its map, so that the same command goes on after any stop."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from manet.errors import OutputError
from manet.files import refuse_existing, remove_leftovers, replacing
from manet.prediction.parts import Parts
from manet.prediction.summary_tree import SumsFile


class Journal:
    """Finished strips, sums over the scene, and the settings that they were made with.

    Used as a context: the folder goes when the prediction is finished, or when it fails before anything was.
    """

    def __init__(self, out: Path, settings: dict[str, Any], restart: bool = False) -> None:
        """settings: everything that a map depends on, under names that a user understands; JSON values.

        Raises OutputError where an unfinished prediction with other settings is there, unless restart drops it.
        """
        self.folder = out.with_name(f".{out.name}.unfinished")
        self.parts, self.sums = Parts(self.folder), SumsFile(self.folder / "sums.pt")
        self.settings = settings
        self.chosen: dict[str, Any] = {}
        """What the first start chose by itself, and later ones take over."""
        self._record, self._complete = self.folder / "journal.json", self.folder / "complete"
        if restart or not self._record.exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        record = json.loads(self._record.read_text(encoding="utf-8"))
        self.chosen, before = record["chosen"], record["settings"]
        for name in settings | before:
            if settings.get(name) != before.get(name):
                raise OutputError(
                    f"{self.folder} holds an unfinished prediction with another {name} ({before.get(name)}, now "
                    f"{settings.get(name)}); repeat the command that began it, or give --restart to begin anew"
                )

    @property
    def complete(self) -> bool:
        """Whether every strip is finished: the outputs alone are left to write, over what an earlier start wrote."""
        return self._complete.exists()

    def begin(self) -> None:
        """Write down settings and choices."""
        _write(self._record, {"settings": self.settings, "chosen": self.chosen})

    def mark_complete(self) -> None:
        _write(self._complete, True)

    def clear_way(self, paths: Iterable[Path], overwrite: bool) -> None:
        """Remove what a killed process left beside outputs. Raises OutputError where one exists that is another's."""
        for path in paths:
            refuse_existing(path, overwrite or self.complete)
            remove_leftovers(path)

    def remove(self) -> None:
        if self.folder.exists():
            self._record.unlink(missing_ok=True)  # first: without it, what is left counts for nothing
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is None or not (self.parts.finished or self.sums.path.exists()):
            self.remove()


def _write(path: Path, value: Any) -> None:
    with replacing(path, overwrite=True) as partial:
        partial.write_text(json.dumps(value, indent=1), encoding="utf-8")
