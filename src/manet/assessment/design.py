"""Designing a sample: which pixels or blocks get reference labels, drawn so that estimates from them hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from manet.assessment.allocation import Allocation, allocate, deviations, expected_error, size_for
from manet.assessment.draw import draw_blocks, draw_stratified, draw_systematic, list_blocks
from manet.assessment.maps import ClassMap, open_maps
from manet.assessment.quantity import Floats
from manet.assessment.strata import ByClass, Population, count_strata, stratifier
from manet.assessment.write_sample import write_blocks, write_points
from manet.errors import OptionError, OutputError
from manet.files import refuse_existing, refuse_inputs
from manet.progress import QUIET, Progress
from manet.raster.features import check_feature_file

Design = Literal["stratified", "random", "systematic", "blocks"]
DESIGNS: tuple[Design, ...] = get_args(Design)


@dataclass(frozen=True)
class DesignSettings:
    """How a sample is drawn."""

    design: Design = "stratified"
    """stratified: points in every stratum; random: points anywhere; systematic: points on a grid with a random start;
    blocks: squares of pixels, all of whose pixels are labelled."""
    strata: str | Path | None = None
    """A raster on the map's grid, or a file of polygons; None: the map's classes are the strata."""
    attribute: str | None = None
    """The polygons' attribute whose values are the strata; None: inside and outside."""
    size: int | None = None
    """Points or blocks; None: as many points as the standard error needs."""
    standard_error: float = 0.02
    """What is wanted of the target, a share, if no size is given."""
    target: str = "overall"
    """What is to be precise: "overall" (accuracy), "users:CLASS" (accuracy) or "area:CLASS" (share of all ground)."""
    expected: Mapping[str, float] = field(default_factory=dict)
    """By class, the share that is expected to be mapped right; 0.8 for the others. Wrong guesses cost precision, and
    never make estimates wrong."""
    allocation: Allocation = "compromise"
    """How points are divided among strata; see `manet.assessment.allocation.allocate`."""
    minimum: int = 50
    """compromise: the least points of a stratum."""
    block: int = 256
    """blocks: height and width, pixels."""
    seed: int = 0
    """The same seed draws the same sample."""


@dataclass(frozen=True)
class DrawnStratum:
    """How much of a stratum was drawn."""

    name: str
    pixels: int
    share: float
    """Of all ground, 0 to 1."""
    points: int


@dataclass(frozen=True)
class DrawnSample:
    """What was drawn."""

    units: int
    """Points or blocks."""
    strata: tuple[DrawnStratum, ...]
    """Empty for blocks."""
    standard_error: float | None
    """Expected of the target; None for blocks, whose spread is unknown."""


def design_sample(
    maps: str | Path | Sequence[str | Path],
    out: str | Path,
    settings: DesignSettings | None = None,
    *,
    overwrite: bool = False,
    progress: Progress = QUIET,
) -> DrawnSample:
    """Draw a sample of a map, or of several as one population, for someone to label.

    The maps are read tile by tile, so memory does not grow with them.

    Args:
        maps: Class rasters with one legend.
        out: File to write: .gpkg, which QGIS opens with a form, or .csv.
        settings: How it is drawn.
        overwrite: Whether a file that exists is replaced.
        progress: Told of every tile.

    Raises:
        OptionError: The settings do not go together or with the maps.
        SceneError: A map cannot be read.
        OutputError: The file exists and is not to be overwritten, or cannot be written.
    """
    chosen, path = settings or DesignSettings(), Path(out)
    paths = [maps] if isinstance(maps, str | Path) else list(maps)
    if chosen.design not in DESIGNS:
        raise OptionError(f"no design '{chosen.design}'; expected one of {', '.join(DESIGNS)}", option="design")
    if chosen.strata is not None and chosen.design != "stratified":
        raise OptionError(f"strata do not go with the design {chosen.design}; leave them out", option="strata")
    if chosen.seed < 0:
        raise OptionError(f"got seed {chosen.seed}; expected 0 or larger", option="seed")
    check_feature_file(path)
    refuse_inputs([path], [*paths, *([chosen.strata] if chosen.strata else [])])
    refuse_existing(path, overwrite)
    opened = open_maps(paths)
    if chosen.design == "blocks":
        return _design_blocks(opened, path, chosen, overwrite, progress)
    strata_source = None if chosen.strata is None else Path(chosen.strata)
    by = stratifier(strata_source, chosen.attribute, opened)
    population = count_strata(opened, by, progress)
    sizes, error = _sizes(population, chosen, isinstance(by, ByClass))
    strata = len(sizes)
    if chosen.design == "systematic":
        step = max(round(float(np.sqrt(population.pixels.sum() / sizes.sum()))), 1)
        points = draw_systematic(population, by, step, chosen.seed, progress)
        if len(points) < 2:
            raise OptionError(
                f"a grid of every {step}-th pixel has {len(points)} points here; ask for more", option="size"
            )
        chances = np.full(strata, 1 / step**2)
    else:
        group = np.arange(strata) if chosen.design == "stratified" else np.zeros(strata, np.int64)
        drawn = np.rint(np.bincount(group, sizes)).astype(np.int64)
        points = draw_stratified(population, by, group, drawn, chosen.seed, progress)
        chances = (drawn / np.maximum(np.bincount(group, population.pixels), 1))[group]
    write_points(points, population, opened, chances, path, chosen.design, overwrite)
    found = np.bincount(points.strata, minlength=strata)
    rows = zip(population.names, population.pixels.tolist(), population.ground.tolist(), found.tolist(), strict=True)
    total = float(population.ground.sum())
    summary = tuple(DrawnStratum(name, pixels, ground / total, n) for name, pixels, ground, n in rows if pixels)
    return DrawnSample(len(points), summary, error)


def _sizes(population: Population, settings: DesignSettings, by_class: bool) -> tuple[Floats, float]:
    """Points by stratum (strata,), and the standard error that is expected of the target.

    Points that may fall anywhere are stratified afterwards, so what is expected of them is a proportional sample.
    """
    shares: Floats = population.ground / population.ground.sum()
    if settings.target != "overall" and not by_class:
        raise OptionError("one class's precision needs strata that are the map's classes", option="target")
    weights, spread = deviations(settings.target, population.names, shares, settings.expected)
    pixels = population.pixels
    if settings.design == "stratified":
        arguments = settings.allocation, pixels, weights, spread, shares, settings.minimum
        size = settings.size if settings.size is not None else size_for(settings.standard_error, *arguments)
        counts = allocate(size, *arguments).astype(np.float64)
    else:
        wanted = settings.size
        if wanted is None:
            wanted = size_for(settings.standard_error, "proportional", pixels, weights, spread, shares, 0)
        if not 2 <= wanted <= pixels.sum():
            raise OptionError(f"got {wanted} points; expected 2 to {pixels.sum()}", option="size")
        counts = shares * wanted
    return counts, expected_error(counts, pixels, weights, spread)


def _design_blocks(
    maps: list[ClassMap], path: Path, settings: DesignSettings, overwrite: bool, progress: Progress
) -> DrawnSample:
    """Draw blocks and write their outlines."""
    if settings.size is None:
        raise OptionError(
            "how many blocks a precision needs is not known before some are labelled; give their number", option="size"
        )
    if path.suffix.lower() == ".csv":
        raise OutputError(f"{path} cannot hold the outlines of blocks; give a name that ends in .gpkg")
    blocks = list_blocks(maps, settings.block, progress)
    if not 2 <= settings.size <= len(blocks):
        raise OptionError(f"got {settings.size} blocks; expected 2 to {len(blocks)}, which there are", option="size")
    drawn = draw_blocks(blocks, settings.size, settings.seed)
    write_blocks(drawn, len(blocks), settings.block, maps, path, overwrite)
    return DrawnSample(len(drawn), (), None)
