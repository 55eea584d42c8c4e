"""What is finished of a prediction, in a folder beside its map, so that the same prediction resumes after any stop."""

import json
import os
import shutil
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from manet.errors import OutputError
from manet.files import refuse_existing, remove_leftovers, replacing
from manet.legend import IGNORED
from manet.prediction.folder_lock import FolderLock
from manet.prediction.summary_tree import SummaryFile
from manet.raster.windows import Window, tiles
from manet.raster.writer import BLOCK

Bytes = NDArray[np.uint8]


class Journal:
    """Finished strips, summaries of the scene, and the settings that they were made with.

    Used as a context: the folder goes when the prediction is finished, or when it fails before anything was.
    """

    def __init__(self, out: Path, settings: dict[str, Any], restart: bool = False) -> None:
        """
        Args:
            out: The map. The folder lies beside it.
            settings: Everything that a map depends on, under names that a user understands; JSON values.
            restart: Drop what is unfinished.

        Raises:
            OutputError: An unfinished prediction with other settings is there, and it is not to be dropped.
        """
        self.folder = out.with_name(f".{out.name}.unfinished")
        self.strips, self.sums = Strips(self.folder), SummaryFile(self.folder / "sums.npz")
        self.settings = settings
        self.chosen: dict[str, Any] = {}
        """What the first start chose by itself, and later ones take over."""
        self.begun = today()
        """The day of the first start: outputs name it, and do not depend on when they are resumed."""
        self._record, self._complete = self.folder / "journal.json", self.folder / "complete"
        self._lock = FolderLock(self.folder)
        if self.folder.exists():
            self._lock.acquire()
        if restart or not self._record.exists():
            self._lock.release()
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        try:
            self._take_over()
        except OutputError:
            self._lock.release()
            raise

    def _take_over(self) -> None:
        """What an earlier start chose, if it was made with these settings. Raises OutputError if not."""
        settings = self.settings
        with _undamaged(self._record):
            record = json.loads(self._record.read_text(encoding="utf-8"))
            self.chosen, before = dict(record["chosen"]), dict(record["settings"])
            self.begun = str(record.get("begun", self.begun))
        for name in settings | before:
            if settings.get(name) != before.get(name):
                raise OutputError(
                    f"{self.folder} holds an unfinished prediction with another {name} ({before.get(name)}, now "
                    f"{settings.get(name)}); predict with the same settings to resume it, or ask for a restart",
                    option="restart",
                )

    @property
    def complete(self) -> bool:
        """Whether every strip is finished: only the outputs are left to write, over what an earlier start wrote."""
        return self._complete.exists()

    def begin(self) -> None:
        """Write down settings and choices. Raises OutputError where another process makes the same outputs."""
        self._lock.acquire()
        _write(self._record, {"settings": self.settings, "chosen": self.chosen, "begun": self.begun})

    def mark_complete(self) -> None:
        _write(self._complete, True)

    def clear_way(self, paths: Iterable[Path], overwrite: bool) -> None:
        """Remove what a killed process left beside outputs. Raises OutputError where one exists that is another's."""
        for path in paths:
            refuse_existing(path, overwrite or self.complete)
            remove_leftovers(path.parent)

    def remove(self) -> None:
        if self.folder.exists():
            self._record.unlink(missing_ok=True)  # first: without it, what is left counts for nothing
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._lock.release()
        if error is None or not (self.strips.finished or self.sums.path.exists()):
            self.remove()


class Strips:
    """Finished strips of layers: each a zip file that holds its windows, written whole or not at all.

    A window is read by itself, so memory does not depend on the length of a strip.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def finished(self) -> int:
        """How many strips are there, counted from the first."""
        count = 0
        while self._path(count).exists():
            count += 1
        return count

    def write(self, number: int, windows: Iterable[tuple[Window, Bytes]]) -> None:
        """A strip; the array of each window is (layers, height, width). Strips before it that have none are empty."""
        for empty in range(self.finished, number):
            self._write(empty, ())
        self._write(number, windows)

    def _write(self, number: int, windows: Iterable[tuple[Window, Bytes]]) -> None:
        with replacing(self._path(number), overwrite=True) as partial:
            with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for window, values in windows:
                    archive.writestr(_name(window), values.tobytes())
            with partial.open("rb+") as file:
                os.fsync(file.fileno())  # a name must not outlive a power cut that its contents did not

    def check_cover(self, height: int, width: int) -> None:
        """Raises OutputError where strips of a raster are missing, as when the folder was removed meanwhile."""
        pixels = 0
        for number in range(self.finished):
            windows = _windows(self._path(number))
            pixels += sum(window.height * window.width for window in windows)
        if pixels != height * width:
            raise OutputError(
                f"{self.folder} holds {pixels} of {height * width} pixels although the prediction is finished: another "
                "program changed the folder; predict again"
            )

    def blocks(self, height: int, width: int, layers: slice) -> Iterator[tuple[Window, Bytes]]:
        """Layers of a raster block by block, row by row, IGNORED where there is no window."""
        waiting = [_Strip(self._path(number)) for number in range(self.finished)]
        for block in tiles(height, width, BLOCK):
            while waiting and waiting[0].bottom <= block.row:
                waiting.pop(0).close()
            values = np.full((layers.stop - layers.start, block.height, block.width), IGNORED, np.uint8)
            for strip in waiting:
                if strip.row >= block.bottom:
                    break
                strip.fill(values, block, layers)
            yield block, values
        for strip in waiting:
            strip.close()

    def _path(self, number: int) -> Path:
        return self.folder / f"strip-{number:06}.zip"


class _Strip:
    """A strip's windows, found by their columns. It is open from its first use to `close`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._archive: zipfile.ZipFile | None = None
        self._windows: dict[int, list[Window]] = defaultdict(list)
        windows = _windows(path)
        self.row = min((window.row for window in windows), default=0)
        self.bottom = max((window.bottom for window in windows), default=0)
        for window in windows:
            for column in range(window.col // BLOCK, (window.right - 1) // BLOCK + 1):
                self._windows[column].append(window)

    def fill(self, values: Bytes, block: Window, layers: slice) -> None:
        for window in self._windows.get(block.col // BLOCK, []):
            common = window.intersect(block)
            if common is not None:
                whole = self._read(window)
                values[:, *common.within(block).slices] = whole[layers, *common.within(window).slices]

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()

    def _read(self, window: Window) -> Bytes:
        with _undamaged(self.path):
            if self._archive is None:
                self._archive = zipfile.ZipFile(self.path)
            return np.frombuffer(self._archive.read(_name(window)), np.uint8).reshape(-1, window.height, window.width)


def _windows(path: Path) -> list[Window]:
    """The windows that a strip holds. Raises OutputError if it is damaged."""
    with _undamaged(path), zipfile.ZipFile(path) as archive:
        return [Window(*map(int, name.split())) for name in archive.namelist()]


@contextmanager
def _undamaged(path: Path) -> Iterator[None]:
    """Where a file of an unfinished prediction is read. Raises OutputError if that shows that it is damaged."""
    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, EOFError, RecursionError, zlib.error, BadZipFile) as error:
        raise OutputError(
            f"{path} is damaged ({type(error).__name__}: {error}); predict anew: ask for a restart", option="restart"
        ) from error


def today() -> str:
    """The day, UTC, as 2026-11-27."""
    return datetime.now(UTC).date().isoformat()


def _name(window: Window) -> str:
    return f"{window.row} {window.col} {window.height} {window.width}"


def _write(path: Path, value: Any) -> None:
    with replacing(path, overwrite=True) as partial:
        partial.write_text(json.dumps(value, indent=1), encoding="utf-8")
