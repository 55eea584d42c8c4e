"""Accuracies and areas of a whole map from fully labelled blocks: the map's areas, corrected by the blocks' errors."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from manet.assessment.accuracy import Assessment, StratumSize, Units, assessment, estimate_units
from manet.assessment.change import transitions
from manet.assessment.draw import Block, list_blocks
from manet.assessment.estimators import Clustered
from manet.assessment.maps import ClassCounts, ClassMap, count_classes, open_maps
from manet.assessment.plan import few_blocks
from manet.assessment.quantity import Floats
from manet.errors import OptionError, SampleError, SceneError
from manet.legend import IGNORED
from manet.progress import QUIET, Progress
from manet.raster.features import read_features
from manet.raster.windows import Window

CHOSEN_BY_HAND = (
    "The blocks are those that happen to be labelled. The estimates are valid only if the labelled ground was chosen "
    "at random from the whole map: where it was chosen by hand, because it was easy, typical or near, they are wrong "
    "by an amount that no interval shows."
)


def assess_labelled(
    maps: str | Path | Sequence[str | Path],
    labels: str | Path | Sequence[str | Path],
    *,
    block: int | None = None,
    sample: str | Path | None = None,
    progress: Progress = QUIET,
) -> Assessment:
    """Estimate accuracies and areas from labelled blocks.

    The area of a class is its mapped area plus the mean error of the blocks, times all ground (a difference estimator).

    Args:
        maps: The map, or several as one population.
        labels: One raster for each map, on its grid: indices of the map's classes, 255 or nodata where unlabelled.
        block: Height and width of the blocks, pixels: all blocks of the grid that are fully labelled are used.
        sample: In place of `block`: the file of drawn blocks, all of which must be fully labelled.
        progress: Told of every block, and warned of what makes estimates doubtful.

    Raises:
        OptionError: Neither `block` nor `sample` is given, or both are, or there are not as many labels as maps.
        SampleError: The sample has no blocks or is not fully labelled, or fewer than 2 blocks are.
        SceneError: A raster cannot be read, or labels are not on their map's grid.
    """
    if (block is None) == (sample is None):
        raise OptionError("give either the size of the blocks or the file of drawn blocks", option="block")
    opened = open_maps([maps] if isinstance(maps, str | Path) else list(maps))
    truths = [ClassMap(path) for path in ([labels] if isinstance(labels, str | Path) else labels)]
    if len(truths) != len(opened):
        raise OptionError(
            f"got {len(truths)} rasters of labels for {len(opened)} maps; expected one each", option="labels"
        )
    for m, truth in zip(opened, truths, strict=True):
        if not m.same_grid(truth):
            raise SceneError(f"{truth.path} does not have the pixels of {m.path}; warp it onto the map's grid")
    counts = count_classes(opened, progress)
    drawn, size = _drawn(sample, opened) if sample is not None else (None, block or 0)
    blocks = list_blocks(opened, size, progress)
    units, ground = _measure(blocks if drawn is None else drawn, opened, truths, counts, drawn is not None, progress)
    if len(ground) < 2:
        raise SampleError(
            f"{len(ground)} blocks of {size} x {size} pixels are fully labelled; expected at least 2: label more, or "
            "give a smaller size"
        )
    by_hand = drawn is None and len(ground) < len(blocks)
    notes = ([CHOSEN_BY_HAND] if by_hand else []) + few_blocks(len(ground))
    for note in notes:
        progress.warn(note)
    estimator = Clustered(ground, len(ground) / len(blocks))
    estimated = estimate_units(units, estimator, counts.shares, difference=True)
    return assessment(
        estimated,
        units,
        estimator,
        counts.names,
        counts.shares,
        counts.surface_m2,
        design=f"{'random' if drawn is not None else 'labelled'} blocks of {size} x {size} pixels, {len(ground)} of "
        f"{len(blocks)}",
        strata=[StratumSize("all", len(ground), 1.0)],
        notes=notes,
        transitions=transitions(counts.names, estimated.share, estimator.degrees, estimator.certain),
    )


def _drawn(sample: str | Path, maps: Sequence[ClassMap]) -> tuple[list[Block], int]:
    """The blocks of a file that `design_sample` wrote, and their size."""
    columns = read_features(sample).columns
    if missing := [name for name in ("map", "row", "col", "block") if name not in columns]:
        raise SampleError(f"{sample} has no attribute '{missing[0]}', so it is no sample of blocks; draw one")
    by_name = {m.name: m for m in maps}
    sizes = {int(value) for value in columns["block"]}
    if len(sizes) != 1:
        raise SampleError(f"{sample} has blocks of {len(sizes)} sizes; expected one size")
    size = sizes.pop()
    found: list[Block] = []
    for name, row, col in zip(columns["map"], columns["row"], columns["col"], strict=True):
        if name not in by_name:
            raise SampleError(f"{sample} has blocks of the map '{name}'; expected {', '.join(by_name)}")
        m = by_name[name]
        if not (0 <= row < m.height and 0 <= col < m.width and row % size == 0 and col % size == 0):
            raise SampleError(f"{sample} has a block at row {row}, column {col}, which is none of {m.path}; draw anew")
        found.append(Block(name, Window(row, col, min(size, m.height - row), min(size, m.width - col))))
    if len(set(found)) < len(found):
        raise SampleError(f"{sample} has a block twice; a block counts once: leave one of them")
    return found, size


def _measure(
    blocks: Sequence[Block],
    maps: Sequence[ClassMap],
    truths: Sequence[ClassMap],
    counts: ClassCounts,
    all_needed: bool,
    progress: Progress,
) -> tuple[Units, Floats]:
    """The ground of every pair of mapped and true class in each fully labelled block, and the ground of each block."""
    classes = len(counts.names)
    by_name = {m.name: (m, truth) for m, truth in zip(maps, truths, strict=True)}
    rows: list[Floats] = []
    pixels = np.zeros(classes**2, np.int64)
    for done, block in enumerate(blocks):
        progress.count("measuring blocks", done, len(blocks))
        m, truth = by_name[block.map_name]
        true = truth.read_classes(block.window)
        if not all_needed and (true == IGNORED).all():
            continue
        mapped = m.read_classes(block.window)
        valid = mapped != IGNORED
        if (true[valid] == IGNORED).any():
            if all_needed:
                raise SampleError(
                    f"the block at row {block.window.row}, column {block.window.col} of {m.path} is not fully "
                    "labelled; label all of its pixels"
                )
            continue
        if true[valid].max() >= classes:
            raise SampleError(f"{truth.path} holds the class {true[valid].max()}; expected 0 to {classes - 1}")
        ground = np.repeat(m.ground_of_rows(block.window)[:, None], block.window.width, axis=1)
        codes = mapped[valid].astype(np.int64) * classes + true[valid]
        rows.append(np.bincount(codes, ground[valid], minlength=classes**2).astype(np.float64))
        pixels += np.bincount(codes, minlength=classes**2)
    progress.count("measuring blocks", len(blocks), len(blocks))
    for raster in (*maps, *truths):
        raster.close()
    used = np.flatnonzero(pixels)
    values = np.stack(rows)[:, used] if rows else np.zeros((0, 0))
    pairs = np.stack(np.divmod(used, classes), axis=1)
    return Units(pairs, values, pixels[used]), values.sum(axis=1)
