"""Sums over a scene: merged pair by pair, and kept in a file in case the prediction is interrupted."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from manet.files import replacing

Summaries = list[tuple[Tensor, ...]]

SAVE_EVERY = 10.0
"""Seconds between two savings of the sums."""


class Merges(Protocol):
    """A network whose summaries merge."""

    def merge(self, a: Sequence[tuple[Tensor, ...]], b: Sequence[tuple[Tensor, ...]]) -> Summaries: ...


class Tree:
    """Merges summaries pair by pair in float64, in an order that the grid of windows alone decides."""

    def __init__(self, network: Merges) -> None:
        self.network = network
        self.levels: list[Summaries | None] = []

    def add(self, summaries: Summaries) -> None:
        carried = [tuple(part.double() for part in summary) for summary in summaries]
        for level, waiting in enumerate(self.levels):
            if waiting is None:
                self.levels[level] = carried
                return
            carried = self.network.merge(waiting, carried)
            self.levels[level] = None
        self.levels.append(carried)

    def total(self) -> Summaries | None:
        """The summaries of everything that was added; None where nothing was."""
        total: Summaries | None = None
        for waiting in self.levels:
            if waiting is not None:
                total = waiting if total is None else self.network.merge(waiting, total)
        return total


class SumsFile:
    """A tree's state and how many windows it holds, written whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._saved = time.monotonic()

    def load(self, tree: Tree, device: torch.device) -> int:
        """Put back what was saved; the number of windows that it holds, 0 where nothing was saved."""
        if not self.path.exists():
            return 0
        state = torch.load(self.path, map_location=device, weights_only=True)
        tree.levels = state["levels"]
        return state["windows"]

    def save(self, tree: Tree, windows: int, now: bool = False) -> None:
        """Save the state, at most every SAVE_EVERY seconds unless it must be `now`."""
        if not now and time.monotonic() - self._saved < SAVE_EVERY:
            return
        with replacing(self.path, overwrite=True) as partial:
            torch.save({"windows": windows, "levels": tree.levels}, partial)
        self._saved = time.monotonic()
