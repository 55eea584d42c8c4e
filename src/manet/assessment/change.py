"""Two dates: a map of what changed into what, whose classes are the strata, and the change of each class."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from manet.assessment.accuracy import Transition
from manet.assessment.maps import ClassMap, legend_names, read_tiles
from manet.assessment.quantity import Quantity
from manet.errors import SceneError
from manet.files import refuse_existing, refuse_inputs
from manet.legend import IGNORED, Legend, LegendClass
from manet.progress import QUIET, Progress
from manet.raster.writer import check_raster_file, write_classes

TO = " to "
"""Between the two classes in the name of a transition."""


def write_change_map(
    before: str | Path,
    after: str | Path,
    out: str | Path,
    *,
    overwrite: bool = False,
    progress: Progress = QUIET,
) -> Legend:
    """Write the map of all transitions between two maps of one grid, such as "low vegetation to building".

    Samples of it and estimates from them are as of any map; the estimates add the change of each class.

    Args:
        before: The earlier map.
        after: The later one.
        out: GeoTIFF to write; 255 where one of the maps has no class.
        overwrite: Whether a file that exists is replaced.
        progress: Told of every tile.

    Returns:
        The transitions, whether they occur or not: class a to class b has the index a times the number of classes,
        plus b.

    Raises:
        SceneError: The maps are not on one grid, have different legends or more than 15 classes.
        OutputError: The file exists and is not to be overwritten, or cannot be written.
    """
    path = Path(out)
    refuse_inputs([path], [before, after])
    refuse_existing(path, overwrite)
    check_raster_file(path)
    first, second = ClassMap(before), ClassMap(after)
    if not first.same_grid(second):
        raise SceneError(f"{after} does not have the pixels of {before}; warp it onto its grid")
    names = legend_names([first, second], 1)
    legend = _transitions(names, before)
    with (
        second,
        write_classes(
            path,
            height=first.height,
            width=first.width,
            legend=legend,
            crs=first.crs,
            transform=first.transform,
            overwrite=overwrite,
        ) as raster,
    ):
        for _, window, old in read_tiles([first], progress, "comparing the maps"):
            new = second.read_classes(window)
            valid = (old != IGNORED) & (new != IGNORED)
            if valid.any() and (last := int(max(old[valid].max(), new[valid].max()))) >= len(names):
                raise SceneError(
                    f"{before} or {after} holds the class {last}, which has no name; expected 0 to {len(names) - 1}: "
                    "renumber the classes from 0, or give both maps the names of their classes"
                )
            codes = old.astype(np.int64) * len(names) + new
            raster.write(np.where(valid, codes, IGNORED).astype(np.uint8), window)
    return legend


def _transitions(names: Sequence[str], path: str | Path) -> Legend:
    if len(names) ** 2 > IGNORED:
        raise SceneError(f"{path} has {len(names)} classes, and so {len(names) ** 2} transitions; expected at most 15")
    pairs = [f"{a}{TO}{b}" for a in names for b in names]
    # no two alike: steps through all colours by a number without a common divisor
    colours = [(0x9E3779 * (i + 1)) % 0x1000000 for i in range(len(pairs))]
    return Legend(
        classes=tuple(
            LegendClass(name=name, colour=(c >> 16, c >> 8 & 255, c & 255))
            for name, c in zip(pairs, colours, strict=True)
        )
    )


def classes_of_change(names: Sequence[str]) -> list[str] | None:
    """The classes of a map of transitions; None if its classes are not all transitions of some classes."""
    classes = round(len(names) ** 0.5)
    if classes < 2 or classes**2 != len(names):
        return None
    stay = [names[i * (classes + 1)] for i in range(classes)]
    found = [str(name)[: (len(name) - len(TO)) // 2] for name in stay]
    return found if [f"{a}{TO}{b}" for a in found for b in found] == list(names) else None


def transitions(names: Sequence[str], share: Quantity, degrees: float, certain: bool) -> tuple[Transition, ...]:
    """The change of each class; empty unless the map is one of transitions.

    Args:
        names: Of the map's classes.
        share: Their estimated shares of all ground.
        degrees: Degrees of freedom of the intervals.
        certain: Whether the sample holds every unit.
    """
    classes = classes_of_change(names)
    if classes is None:
        return ()
    old, new = np.divmod(np.arange(len(names)), len(classes))
    is_old, is_new = ((which[:, None] == np.arange(len(classes))).astype(np.float64) for which in (old, new))
    before, after, change = share.combined(is_old), share.combined(is_new), share.combined(is_new - is_old)
    rows = zip(
        classes,
        before.estimates(degrees, certain=certain),
        after.estimates(degrees, certain=certain),
        change.estimates(degrees, smallest=-1.0, certain=certain),
        strict=True,
    )
    return tuple(Transition(name, b, a, c) for name, b, a, c in rows)
