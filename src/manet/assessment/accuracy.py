"""Accuracies and areas from sampled units: one result for every design."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from manet.assessment.estimators import Estimator
from manet.assessment.quantity import Estimate, Floats, Quantity

ROUGH = 0.2
"""A standard error above this share of an area makes its interval rough."""

ROUGH_AREAS = (
    "The areas of some classes ({}) have standard errors above a fifth of the area; such intervals cover the truth "
    "less often than in 95 % of samples."
)


@dataclass(frozen=True)
class ClassAccuracy:
    """What the sample says of one class. Shares are of all ground, 0 to 1."""

    name: str
    users: Estimate | None
    """Of what is mapped as this class, the share that is right; None if nothing sampled is."""
    producers: Estimate | None
    """Of what is this class, the share that is mapped so; None if nothing sampled is."""
    share: Estimate
    """Of the class in truth."""
    area_m2: Estimate | None
    """The same in square metres; None where the map's place on earth is unknown."""
    mapped_share: float
    mapped_m2: float | None


@dataclass(frozen=True)
class Transition:
    """The estimated change of one class between two dates. Shares are of all ground."""

    name: str
    before: Estimate
    after: Estimate
    change: Estimate
    """After less before."""


@dataclass(frozen=True)
class StratumSize:
    """How many sampled units a stratum has."""

    name: str
    units: int
    share: float
    """Of all ground."""


@dataclass(frozen=True)
class Assessment:
    """Accuracies and areas of a map, or of several as one population."""

    design: str
    """How the units were drawn, in words."""
    units: int
    """Sampled points or blocks."""
    classes: tuple[ClassAccuracy, ...]
    overall: Estimate
    """Share of the ground that is mapped right."""
    counts: tuple[tuple[int, ...], ...]
    """Sampled points (of blocks, pixels) by mapped class (row) and reference class (column)."""
    shares: tuple[tuple[float, ...], ...]
    """The same as estimated shares of all ground."""
    surface_m2: float | None
    """All ground; None where the map's place on earth is unknown."""
    degrees: float
    """Degrees of freedom of the intervals; infinite for the normal distribution."""
    strata: tuple[StratumSize, ...]
    notes: tuple[str, ...]
    """What a reader must know to trust the numbers."""
    transitions: tuple[Transition, ...] = ()
    """Of a map of change: each class before and after."""


@dataclass(frozen=True)
class Units:
    """What was found in sampled units. Only pairs of classes that occur have a column."""

    pairs: NDArray[np.integer]
    """(pairs, 2) mapped class and reference class."""
    values: Floats
    """(units, pairs): 1 for a point's own pair; of blocks, the ground of each pair."""
    counts: NDArray[np.integer]
    """(pairs,) sampled points, or pixels of blocks."""


@dataclass(frozen=True)
class Estimated:
    """Quantities by class, and the error matrix (mapped, reference) in shares of all ground."""

    overall: Quantity
    users: Quantity
    producers: Quantity
    share: Quantity
    matrix: Floats


def points_as_units(mapped: NDArray[np.integer], reference: NDArray[np.integer], classes: int) -> Units:
    """Sampled points, by mapped class and reference class (points,)."""
    codes, column = np.unique(mapped.astype(np.int64) * classes + reference, return_inverse=True)
    values = np.zeros((len(mapped), len(codes)))
    values[np.arange(len(mapped)), column] = 1
    return Units(np.stack(np.divmod(codes, classes), axis=1), values, np.bincount(column))


def estimate_units(units: Units, estimator: Estimator, mapped_shares: Floats, *, difference: bool = False) -> Estimated:
    """Estimate accuracies and areas.

    Args:
        units: What was found.
        estimator: The design's.
        mapped_shares: (classes,) mapped share of all ground, counted on the whole map.
        difference: Whether a class's share is the mapped one plus the estimated difference between reference and map,
            which is more precise wherever the design does not use the map already.
    """
    mapped_class, reference_class = units.pairs.T
    classes = np.arange(len(mapped_shares))
    is_mapped = (mapped_class[:, None] == classes).astype(np.float64)
    is_reference = (reference_class[:, None] == classes).astype(np.float64)
    cells = estimator(units.values)
    right = cells.combined(is_mapped * is_reference)
    mapped, reference = cells.combined(is_mapped), cells.combined(is_reference)
    matrix = np.zeros((len(classes), len(classes)))
    matrix[mapped_class, reference_class] = cells.value
    return Estimated(
        overall=right.combined(np.ones((len(classes), 1))),
        users=right.divided_by(mapped),
        producers=right.divided_by(reference),
        share=reference.minus(mapped).plus(mapped_shares) if difference else reference,
        matrix=matrix,
    )


def assessment(
    estimated: Estimated,
    units: Units,
    estimator: Estimator,
    names: Sequence[str],
    mapped_shares: Floats,
    surface_m2: float | None,
    *,
    design: str,
    strata: Sequence[StratumSize] = (),
    notes: Sequence[str] = (),
    transitions: Sequence[Transition] = (),
) -> Assessment:
    """Estimates with their intervals, in the order of the classes' names."""

    degrees, certain = estimator.degrees, estimator.certain
    counts = np.zeros((len(names), len(names)), np.int64)
    counts[tuple(units.pairs.T)] = units.counts
    # where all agree, points of a class say how sure that is; pixels of blocks do not, nor what is missed elsewhere
    points = None if np.isfinite(degrees) else counts.sum(axis=1).astype(np.float64)
    rows = zip(
        names,
        estimated.users.accuracies(degrees, certain, points),
        estimated.producers.accuracies(degrees, certain),
        estimated.share.estimates(degrees, certain=certain),
        mapped_shares.tolist(),
        strict=True,
    )
    classes: list[ClassAccuracy] = []
    for name, users, producers, share, mapped in rows:
        area = None if surface_m2 is None else share.times(surface_m2)
        mapped_m2 = None if surface_m2 is None else mapped * surface_m2
        classes.append(ClassAccuracy(name, users, producers, share, area, mapped, mapped_m2))
    (overall,) = estimated.overall.accuracies(degrees, certain, None if points is None else points.sum(keepdims=True))
    assert overall is not None
    rough = [c.name for c in classes if c.share.standard_error > ROUGH * c.share.value > 0]
    if rough:
        notes = [*notes, ROUGH_AREAS.format(", ".join(rough))]
    return Assessment(
        design=design,
        units=len(units.values),
        classes=tuple(classes),
        overall=overall,
        counts=tuple(map(tuple, counts.tolist())),
        shares=tuple(map(tuple, estimated.matrix.tolist())),
        surface_m2=surface_m2,
        degrees=estimator.degrees,
        strata=tuple(strata),
        notes=tuple(notes),
        transitions=tuple(transitions),
    )
