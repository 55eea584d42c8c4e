"""From a labelled sample to the estimator that its design asks for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from manet.assessment.accuracy import StratumSize, Units, points_as_units
from manet.assessment.estimators import Clustered, Estimator, Stratified, post_stratified
from manet.assessment.maps import ClassCounts
from manet.assessment.quantity import Floats
from manet.assessment.reference_sample import ReferenceSample, numbers
from manet.errors import SampleError

FEW = 20
"""Points of a stratum, or blocks, below which intervals are not to be relied upon."""

SAME = 1e-6
"""Shares of pixels that differ less are equal."""


@dataclass(frozen=True)
class Plan:
    """The estimator of a design, and what it estimates from."""

    estimator: Estimator
    units: Units
    strata: list[StratumSize]
    notes: list[str]
    """What a reader must know."""
    difference: bool = False
    """See `estimate_units`."""


def plan_stratified(sample: ReferenceSample, counts: ClassCounts) -> Plan:
    """Random points in strata. Raises SampleError if a stratum has too few points, or the strata are not the map."""
    if "stratum" not in sample.columns:
        raise SampleError("the sample has no attribute 'stratum'; add it, or say which other design the points have")
    names, stratum = np.unique([str(name) for name in sample.columns["stratum"]], return_inverse=True)
    pixels, ground = _strata_sizes(sample, counts, names.tolist(), stratum)
    points = np.bincount(stratum)
    _refuse_gaps(sample, counts, dict(zip(names.tolist(), pixels.tolist(), strict=True)))
    for name, count, whole in zip(names.tolist(), points.tolist(), pixels.tolist(), strict=True):
        if count > whole or (count < 2 and whole > 1):
            raise SampleError(
                f"the stratum '{name}' has {count} labelled point of {whole:.0f} pixels, so its variance is unknown; "
                "label at least 2 of its points"
                if count < 2
                else f"the stratum '{name}' has {count} labelled points and {whole:.0f} pixels; correct its pixels"
            )
    shares = ground / ground.sum()
    estimator = Stratified(stratum, sample.ground, shares, points / pixels)
    rows = zip(names.tolist(), points.tolist(), shares.tolist(), strict=True)
    strata = [StratumSize(str(name), count, share) for name, count, share in rows]
    small = [f"{s.name} ({s.units})" for s, whole in zip(strata, pixels, strict=True) if s.units < min(FEW, whole)]
    return Plan(estimator, _units(sample, counts), strata, _few(small))


def _refuse_gaps(sample: ReferenceSample, counts: ClassCounts, pixels: dict[str, float]) -> None:
    """Raises SampleError if the strata that have points are not the whole map."""
    own = [counts.names[index] for index in sample.mapped]
    if own == [str(name) for name in sample.columns["stratum"]]:  # the strata are the map's classes
        for name, whole, share in zip(counts.names, counts.pixels.tolist(), counts.shares.tolist(), strict=True):
            if whole and name not in pixels:
                raise SampleError(
                    f"the stratum '{name}', {100 * share:.2g} % of the map, has no labelled point; label at least 2"
                )
            if pixels.get(name, whole) != whole:
                raise SampleError(
                    f"the sample was drawn from a map with {pixels[name]:.0f} pixels of '{name}', and this one has "
                    f"{whole}: the map has changed; give the one that the sample was drawn from"
                )
    elif abs(1 - sum(pixels.values()) / counts.pixels.sum()) > SAME:
        raise SampleError(
            f"the strata with labelled points have {sum(pixels.values()):.0f} pixels, and the map has "
            f"{counts.pixels.sum()}; label at least 2 points in every stratum, or give the map that was sampled"
        )


def _strata_sizes(
    sample: ReferenceSample, counts: ClassCounts, names: list[str], stratum: NDArray[np.integer]
) -> tuple[Floats, Floats]:
    """Pixels and ground of each stratum: what the sample's rows say, or those of the mapped classes."""
    pixels = numbers(sample, "stratum_pixels")
    if pixels is None:
        if unknown := [name for name in names if name not in counts.names]:
            raise SampleError(
                f"the stratum '{unknown[0]}' is no class of the map, and the sample has no attribute 'stratum_pixels', "
                "the pixels of each point's stratum; add it"
            )
        classes = [counts.names.index(name) for name in names]
        return counts.pixels[classes].astype(np.float64), counts.ground[classes]
    ground = numbers(sample, "stratum_ground")
    ground = pixels if ground is None else ground
    first = np.array([np.flatnonzero(stratum == s)[0] for s in range(len(names))])
    for own, whole in ((pixels, pixels[first]), (ground, ground[first])):
        if not np.allclose(own, whole[stratum]) or not (whole > 0).all():
            raise SampleError("the sample says different sizes of one stratum; draw it again, or correct the sizes")
    return pixels[first], ground[first]


def plan_anywhere(sample: ReferenceSample, counts: ClassCounts) -> Plan:
    """Points anywhere, stratified afterwards by the mapped class. Raises SampleError if there is only one."""
    fraction = len(sample.mapped) / float(counts.pixels.sum())
    points = np.bincount(sample.mapped, minlength=len(counts.names))
    if len(sample.mapped) < 2:
        raise SampleError("the sample has 1 labelled point; expected at least 2")
    estimator, merged = post_stratified(sample.mapped, sample.ground, counts.shares, fraction)
    strata: list[StratumSize] = []
    for group in range(int(merged.max()) + 1):
        classes = [i for i in np.flatnonzero(merged == group) if counts.pixels[i]]
        name = " and ".join(counts.names[i] for i in classes)
        strata.append(StratumSize(name, int(points[classes].sum()), float(counts.shares[classes].sum())))
    notes = _few([f"{s.name} ({s.units})" for s in strata if s.units < FEW])
    if joined := [s.name for s in strata if " and " in s.name]:
        notes.append(f"Mapped classes with few points form one stratum: {'; '.join(joined)}.")
    return Plan(estimator, _units(sample, counts), strata, notes, difference=True)


def plan_clusters(sample: ReferenceSample, counts: ClassCounts) -> Plan:
    """Points that were drawn together. Raises SampleError if they are not in two or more clusters."""
    if "cluster" not in sample.columns:
        raise SampleError("the sample has no attribute 'cluster'; add it, or say which other design the points have")
    _, cluster = np.unique([str(value) for value in sample.columns["cluster"]], return_inverse=True)
    clusters = int(cluster.max()) + 1
    if clusters < 2:
        raise SampleError("the sample has 1 cluster, so its variance is unknown; expected at least 2")
    points = points_as_units(sample.mapped, sample.reference, len(counts.names))
    values = np.zeros((clusters, points.values.shape[1]))
    np.add.at(values, cluster, points.values * sample.ground[:, None])
    chance = numbers(sample, "inclusion_probability")
    ground = np.bincount(cluster, sample.ground).astype(np.float64)
    estimator = Clustered(ground, 0.0 if chance is None else float(chance[0]))
    units = Units(points.pairs, values, points.counts)
    strata = [StratumSize("all", clusters, 1.0)]
    return Plan(estimator, units, strata, few_blocks(clusters), difference=True)


def _units(sample: ReferenceSample, counts: ClassCounts) -> Units:
    return points_as_units(sample.mapped, sample.reference, len(counts.names))


def _few(strata: list[str]) -> list[str]:
    if not strata:
        return []
    return [
        f"Strata with fewer than {FEW} points ({', '.join(strata)}): what is said of these classes, and of what is "
        "missed of others there, is less certain than its interval says."
    ]


def few_blocks(blocks: int) -> list[str]:
    """What is to be said of so many blocks."""
    return [f"There are only {blocks} blocks: the intervals are wide, and rough."] if blocks < FEW else []
