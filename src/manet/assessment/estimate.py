"""Accuracies and areas from a labelled sample, by the estimator that its design asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.assessment.accuracy import Assessment, StratumSize, Units, assessment, estimate_units, points_as_units
from manet.assessment.change import transitions
from manet.assessment.estimators import Clustered, Estimator, Stratified, post_stratified
from manet.assessment.maps import ClassCounts, count_classes, open_maps
from manet.assessment.quantity import Floats
from manet.assessment.reference_sample import ReferenceSample, numbers, read_reference_sample
from manet.errors import OptionError, SampleError
from manet.progress import QUIET, Progress

FEW = 20
"""Points of a stratum, or blocks, below which intervals are not to be relied upon."""

DESIGN_WORDS = {
    "stratified": "stratified random points",
    "random": "simple random points, stratified afterwards by the mapped classes",
    "systematic": "systematic points, treated as random ones and stratified afterwards by the mapped classes",
    "clusters": "points in randomly drawn clusters",
}


@dataclass(frozen=True)
class _Plan:
    """The estimator of a design, with what it is told about."""

    estimator: Estimator
    units: Units
    strata: list[StratumSize]
    notes: list[str]
    difference: bool = False


def assess(
    sample: str | Path,
    maps: str | Path | Sequence[str | Path],
    *,
    design: str | None = None,
    progress: Progress = QUIET,
) -> Assessment:
    """Estimate a map's accuracy and the areas of its classes from labelled points.

    Args:
        sample: GeoPackage or CSV file with the attribute "reference". Points with one value of an attribute "cluster"
            were drawn together. A stratified sample from elsewhere has the attribute "stratum", which is the mapped
            class, or else "stratum_pixels", too: how many pixels the stratum has.
        maps: The map that it was drawn from, or several that it was drawn from as one population.
        design: stratified, random, systematic or clusters; None: what the file says.
        progress: Told of every tile, and warned of what makes estimates doubtful.

    Raises:
        SampleNotFoundError: There is no such sample.
        SampleError: It does not belong to the maps, or a stratum has too few labelled points.
        SceneError: A map cannot be read.
        OptionError: There is no such design.
    """
    opened = open_maps([maps] if isinstance(maps, str | Path) else list(maps))
    counts = count_classes(opened, progress)
    found = read_reference_sample(sample, opened, counts.names)
    said = found.design()
    chosen = design or said or _guess(found)
    if chosen not in DESIGN_WORDS:
        raise OptionError(f"no design '{chosen}' of points; expected one of {', '.join(DESIGN_WORDS)}", option="design")
    notes: list[str] = []
    if said is None:
        notes.append(
            "The file does not say how its points were drawn. The estimates hold only if every pixel could have been "
            "drawn, with chances that the design knows; points that were picked by hand, or are those of the training, "
            "give wrong ones."
        )
    if found.unlabelled:
        shown = ", ".join(found.unlabelled[:5]) + (" and others" if len(found.unlabelled) > 5 else "")
        notes.append(
            f"{len(found.unlabelled)} points lack a reference and are left out ({shown}): that is harmless if they are "
            "the last ones, which nobody came to, and not if they are those that were hard to label."
        )
    plans = {"stratified": _stratified, "clusters": _clusters}
    plan = plans.get(chosen, _anywhere)(found, counts)
    notes += plan.notes
    for note in notes:
        progress.warn(note)
    estimated = estimate_units(plan.units, plan.estimator, counts.shares, difference=plan.difference)
    return assessment(
        estimated,
        plan.units,
        plan.estimator,
        counts.names,
        counts.shares,
        counts.surface_m2,
        design=DESIGN_WORDS[chosen],
        strata=plan.strata,
        notes=notes,
        transitions=transitions(counts.names, estimated.share, plan.estimator.degrees, plan.estimator.certain),
    )


def _guess(sample: ReferenceSample) -> str:
    """The design of a file that does not name it."""
    if "cluster" in sample.columns:
        return "clusters"
    return "stratified" if len(set(sample.columns.get("stratum", ["all"]))) > 1 else "random"


def _stratified(sample: ReferenceSample, counts: ClassCounts) -> _Plan:
    if "stratum" not in sample.columns:
        raise SampleError("the sample has no attribute 'stratum'; add it, or say which other design the points have")
    names, stratum = np.unique([str(name) for name in sample.columns["stratum"]], return_inverse=True)
    pixels, ground = _strata_sizes(sample, counts, names.tolist(), stratum)
    points = np.bincount(stratum)
    if abs(missing := 1 - pixels.sum() / counts.pixels.sum()) > 1e-6:
        raise SampleError(
            f"the sample's strata have {pixels.sum():.0f} pixels, the map has {counts.pixels.sum()}: "
            + (
                f"strata with {100 * missing:.2g} % of the map have no labelled point; label at least 2 in each"
                if missing > 0
                else "the map has changed; give the one that the sample was drawn from"
            )
        )
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
    return _Plan(estimator, _units(sample, counts), strata, _few(small))


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


def _anywhere(sample: ReferenceSample, counts: ClassCounts) -> _Plan:
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
    return _Plan(estimator, _units(sample, counts), strata, notes, difference=True)


def _clusters(sample: ReferenceSample, counts: ClassCounts) -> _Plan:
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
    return _Plan(estimator, units, strata, few_blocks(clusters), difference=True)


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
