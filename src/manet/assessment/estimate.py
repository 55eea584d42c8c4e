"""Accuracies and areas from a labelled sample, by the estimator that its design asks for."""

from collections.abc import Sequence
from pathlib import Path

from manet.assessment.accuracy import Assessment, assessment, estimate_units
from manet.assessment.change import transitions
from manet.assessment.maps import count_classes, open_maps
from manet.assessment.plan import plan_anywhere, plan_clusters, plan_stratified
from manet.assessment.reference_sample import ReferenceSample, numbers, read_reference_sample
from manet.errors import OptionError
from manet.progress import QUIET, Progress

DESIGN_WORDS = {
    "stratified": "stratified random points",
    "random": "simple random points, stratified afterwards by the mapped classes",
    "systematic": "systematic points, treated as random ones and stratified afterwards by the mapped classes",
    "clusters": "points in randomly drawn clusters",
}


HARMLESS = (
    "that is harmless if they are the last ones, which nobody came to, and not if they are those that were hard to "
    "label."
)


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
        OptionError: There is no such design, or the file names another.
    """
    opened = open_maps([maps] if isinstance(maps, str | Path) else list(maps))
    counts = count_classes(opened, progress)
    found = read_reference_sample(sample, opened, counts.names)
    said = found.design()
    if said is not None and design not in (None, said):
        raise OptionError(
            f"the sample says that its points are {said}, not {design}; leave out the design", option="design"
        )
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
        notes.append(f"Points that lack a reference and are left out: {len(found.unlabelled)} ({shown}); {HARMLESS}")
    if lost := _lost(found):
        notes.append(f"Points that were drawn and are not in the file: {lost}; {HARMLESS}")
    plans = {"stratified": plan_stratified, "clusters": plan_clusters}
    plan = plans.get(chosen, plan_anywhere)(found, counts)
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


def _lost(sample: ReferenceSample) -> int:
    """How many points were drawn and are not in the file, by the chances that it names; 0 where it names none."""
    if not {"stratum", "inclusion_probability", "stratum_pixels"} <= set(sample.columns):
        return 0
    chances, pixels = numbers(sample, "inclusion_probability"), numbers(sample, "stratum_pixels")
    assert chances is not None and pixels is not None
    drawn = dict(zip(map(str, sample.columns["stratum"]), (chances * pixels).tolist(), strict=True))
    whole = all(abs(number - round(number)) < 1e-3 for number in drawn.values())
    return max(round(sum(drawn.values())) - len(sample.mapped) - len(sample.unlabelled), 0) if whole else 0
