"""Summaries of a scene: merged pair by pair, and kept in a file in case the prediction is interrupted."""

import time
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from manet.errors import OutputError
from manet.files import replacing
from manet.runtime.protocol import Summary

Summaries = list[Summary]

SAVE_EVERY = 10.0
"""Seconds between two savings of the summaries."""


class Merges(Protocol):
    """Whoever can merge summaries."""

    def merge(self, a: Sequence[Summary], b: Sequence[Summary]) -> Summaries: ...


class SummaryTree:
    """Merges summaries pair by pair in float64, in an order that the grid of windows alone decides."""

    def __init__(self, merger: Merges) -> None:
        self.merger = merger
        self.levels: list[Summaries | None] = []

    def add(self, summaries: Summaries) -> None:
        carried = summaries
        for level, waiting in enumerate(self.levels):
            if waiting is None:
                self.levels[level] = carried
                return
            carried = self.merger.merge(waiting, carried)
            self.levels[level] = None
        self.levels.append(carried)

    def total(self) -> Summaries | None:
        """The summaries of everything that was added; None where nothing was."""
        total: Summaries | None = None
        for waiting in self.levels:
            if waiting is not None:
                total = waiting if total is None else self.merger.merge(waiting, total)
        return total


class SummaryFile:
    """A tree's state and how many windows it holds, in a file that is written whole or not at all.

    An array of numpy's archive for each tensor: "level-module-part"; no pickle.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._saved = time.monotonic()

    def load(self, tree: SummaryTree) -> int:
        """Put back what was saved; the number of windows that it holds, 0 where nothing was saved.

        Raises OutputError if the file is damaged.
        """
        if not self.path.exists():
            return 0
        try:
            with np.load(self.path, allow_pickle=False) as state:
                shape = [[int(n) for n in row] for row in state["shape"]]
                tree.levels = [
                    [
                        tuple(state[f"{level}-{module}-{part}"] for part in range(parts))
                        for module, parts in enumerate(row)
                    ]
                    if row and row[0] >= 0
                    else None
                    for level, row in enumerate(shape)
                ]
                return int(state["windows"])
        except (OSError, ValueError, LookupError, TypeError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            raise OutputError(
                f"{self.path} is damaged ({type(error).__name__}: {error}); predict anew: ask for a restart",
                option="restart",
            ) from error

    def save(self, tree: SummaryTree, windows: int, now: bool = False) -> None:
        """Save the state, at most every SAVE_EVERY seconds unless it must be `now`."""
        if not now and time.monotonic() - self._saved < SAVE_EVERY:
            return
        modules = max((len(level) for level in tree.levels if level is not None), default=0)
        shape = np.full((len(tree.levels), modules), -1)
        arrays = {}
        for index, level in enumerate(tree.levels):
            for module, summary in enumerate(level or ()):
                shape[index, module] = len(summary)
                arrays |= {f"{index}-{module}-{part}": array for part, array in enumerate(summary)}
        with replacing(self.path, overwrite=True) as partial, partial.open("wb") as file:
            np.savez(file, windows=np.array(windows), shape=shape, **arrays)
        self._saved = time.monotonic()
