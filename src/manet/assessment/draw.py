"""Drawing pixels and blocks at random from maps of any size: all are counted, then only drawn ones are read again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from manet.assessment.maps import TILE, ClassMap
from manet.assessment.quantity import Floats
from manet.assessment.strata import Population, Stratifier
from manet.errors import OptionError
from manet.legend import IGNORED
from manet.progress import QUIET, Progress
from manet.raster.windows import Window

LARGEST_BLOCK = 4096
"""Height and width, pixels."""

MOST_BLOCKS = 4_000_000
"""Of all maps together, so that memory is bounded."""


@dataclass(frozen=True)
class Points:
    """Drawn pixels, in random order."""

    maps: list[str]
    """The name of each point's map."""
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    strata: NDArray[np.int64]
    """The number of each point's stratum."""
    classes: NDArray[np.int64]
    """What each point is mapped as."""
    ground: Floats
    """Of each point's pixel: square metres, or 1 where that is unknown."""

    def __len__(self) -> int:
        return len(self.rows)


def draw_stratified(
    population: Population,
    by: Stratifier,
    group: NDArray[np.integer],
    counts: NDArray[np.integer],
    seed: int,
    progress: Progress = QUIET,
) -> Points:
    """Draw pixels of groups of strata with equal chances and without replacement.

    Pixels are numbered as tiles are read, so the numbers that are drawn say which tiles have to be read again. Each
    group has random numbers of its own: another size of one group does not change the others.

    Args:
        population: All pixels.
        by: What gave its strata.
        group: (strata,) the group of each stratum: strata themselves, or all in one for a simple random sample.
        counts: (groups,) pixels to draw.
        seed: 0 or larger.
        progress: Told of every tile that is read.
    """
    pixels = np.stack([population.by_tile[:, group == g].sum(axis=1) for g in range(len(counts))], axis=1)
    before = np.cumsum(pixels, axis=0) - pixels
    chosen: dict[int, list[tuple[int, NDArray[np.int64]]]] = {}
    for g, count in enumerate(counts.tolist()):
        rng = np.random.default_rng([seed, g])
        numbers = np.sort(rng.choice(int(pixels[:, g].sum()), count, replace=False)) if count else np.zeros(0, int)
        tile = np.searchsorted(before[:, g] + pixels[:, g], numbers, side="right")
        for t in np.unique(tile).tolist():
            chosen.setdefault(t, []).append((g, numbers[tile == t] - before[t, g]))
    parts: list[_Part] = []
    for done, t in enumerate(sorted(chosen)):
        progress.count("drawing points", done, len(chosen))
        m, window = population.places[t]
        classes = m.read_classes(window)
        strata = by.strata(m, window, classes)
        lookup = np.append(group, np.full(IGNORED + 1 - len(group), -1))
        for g, offsets in chosen[t]:
            found = np.flatnonzero(lookup[strata].ravel() == g)[offsets]
            parts.append(_part(m, window, classes, strata, *np.unravel_index(found, strata.shape)))
    progress.count("drawing points", len(chosen), len(chosen))
    return _joined(parts, seed)


def draw_systematic(population: Population, by: Stratifier, step: int, seed: int, progress: Progress = QUIET) -> Points:
    """Take every `step`-th pixel of every `step`-th row, from a random start in each map."""
    starts = {m.name: np.random.default_rng([seed, i]).integers(0, step, 2) for i, m in enumerate(_maps(population))}
    parts: list[_Part] = []
    for done, (m, window) in enumerate(population.places):
        progress.count("drawing points", done, len(population.places))
        rows, columns = (
            np.arange((start - first) % step, length, step)
            for start, first, length in zip(
                starts[m.name], (window.row, window.col), (window.height, window.width), strict=True
            )
        )
        if len(rows) and len(columns):
            classes = m.read_classes(window)
            down, right = (axis.ravel() for axis in np.meshgrid(rows, columns, indexing="ij"))
            valid = classes[down, right] != IGNORED
            parts.append(_part(m, window, classes, by.strata(m, window, classes), down[valid], right[valid]))
    progress.count("drawing points", len(population.places), len(population.places))
    return _joined(parts, seed)


@dataclass(frozen=True)
class Block:
    """A block of pixels of a map's grid of blocks, cut off at the map's edges."""

    map_name: str
    window: Window


def list_blocks(maps: list[ClassMap], size: int, progress: Progress = QUIET) -> list[Block]:
    """The blocks of size x size pixels, from each map's corner on, that hold a pixel of the map.

    Raises:
        OptionError: The size is out of range, or gives too many blocks.
    """
    if not 2 <= size <= LARGEST_BLOCK:
        raise OptionError(f"got blocks of {size} pixels; expected 2 to {LARGEST_BLOCK}", option="block")
    if (count := sum(-(-m.height // size) * -(-m.width // size) for m in maps)) > MOST_BLOCKS:
        raise OptionError(
            f"the maps have {count} blocks of {size} pixels; expected at most {MOST_BLOCKS}: give larger ones",
            option="block",
        )
    at_once = size * max(TILE // size, 1)
    found: list[Block] = []
    total = sum(-(-m.height // at_once) * -(-m.width // at_once) for m in maps)
    done = 0
    for m in maps:
        with m:
            for tile in m.tiles(at_once):
                progress.count("looking for blocks", done, total)
                valid = m.read_classes(tile) != IGNORED
                rows, columns = np.arange(0, tile.height, size), np.arange(0, tile.width, size)
                any_valid = np.logical_or.reduceat(np.logical_or.reduceat(valid, rows), columns, axis=1)
                for down, right in np.argwhere(any_valid).tolist():
                    row, col = tile.row + down * size, tile.col + right * size
                    window = Window(row, col, min(size, m.height - row), min(size, m.width - col))
                    found.append(Block(m.name, window))
                done += 1
    progress.count("looking for blocks", total, total)
    return found


def draw_blocks(blocks: list[Block], count: int, seed: int) -> list[Block]:
    """Blocks with equal chances and without replacement, in random order."""
    return [blocks[i] for i in np.random.default_rng([seed, 0]).choice(len(blocks), count, replace=False).tolist()]


@dataclass(frozen=True)
class _Part:
    name: str
    columns: tuple[NDArray[np.generic], ...]
    """Row, column, stratum, class, ground of each point."""


def _part(
    m: ClassMap,
    window: Window,
    classes: NDArray[np.uint8],
    strata: NDArray[np.uint8],
    down: NDArray[np.integer],
    right: NDArray[np.integer],
) -> _Part:
    ground = m.ground_of_rows(window)[down]
    return _Part(m.name, (down + window.row, right + window.col, strata[down, right], classes[down, right], ground))


def _joined(parts: list[_Part], seed: int) -> Points:
    """All points in random order, so that their numbers say nothing of their strata, and any first part of them is a
    sample of its own."""
    names = [part.name for part in parts for _ in part.columns[0]]
    row, col, stratum, mapped, ground = (
        np.concatenate([part.columns[i] for part in parts]) if parts else np.zeros(0) for i in range(5)
    )
    order = np.random.default_rng([seed, IGNORED]).permutation(len(names))
    row, col, stratum, mapped = (column[order].astype(np.int64) for column in (row, col, stratum, mapped))
    return Points([names[i] for i in order], row, col, stratum, mapped, ground[order].astype(np.float64))


def _maps(population: Population) -> list[ClassMap]:
    return list({m.name: m for m, _ in population.places}.values())
