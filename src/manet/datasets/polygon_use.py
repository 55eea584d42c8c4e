"""What becomes of the polygons of a file: how many lie on images, are cut by their edges, or are too small to see."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from manet.datasets.label_classes import PolygonLabels
from manet.legend import IGNORED
from manet.raster.vectors import corners_of

COVERED = 1 - 1e-6
"""A polygon is cut if less of its area lies on images."""


@dataclass(frozen=True)
class PolygonUse:
    """How many of a file's polygons are what."""

    classes: dict[str, int]
    """On images, by the name of the class, or "ignored"."""
    outside: int
    """On no image."""
    cut: int
    """Partly outside the images."""
    small: int
    """On images, and smaller than a pixel, so that they may have none."""

    def lines(self, total: int) -> list[str]:
        """The same in words; total: the polygons of the file."""
        found = [f"polygons: {', '.join(f'{number} {name}' for name, number in self.classes.items())}"]
        reasons = {"on no image": self.outside, "cut by an edge": self.cut, "smaller than a pixel": self.small}
        if any(reasons.values()):
            listed = ", ".join(f"{number} {reason}" for reason, number in reasons.items() if number)
            found.append(f"of {total} polygons in the file: {listed}")
        return found


def polygon_use(labels: PolygonLabels, classes: Sequence[int], names: Sequence[str]) -> PolygonUse:
    """Count what becomes of polygons.

    Args:
        labels: The polygons on each scene.
        classes: The class index of each polygon, or IGNORED.
        names: Of the classes.
    """
    count = len(classes)
    touched, whole, small = (np.zeros(count, bool) for _ in range(3))
    by_polygons: dict[int, list[str]] = defaultdict(list)  # scenes of one CRS have the same polygons
    for name, polygons in labels.polygons.items():
        by_polygons[id(polygons)].append(name)
    for scenes in by_polygons.values():
        polygons = np.array(labels.polygons[scenes[0]].polygons, object)
        places = [labels.scenes[name] for name in scenes]
        outlines = np.array([shapely.Polygon(corners_of(scene.window, scene.transform)) for scene in places], object)
        on, image = shapely.STRtree(outlines).query(polygons, predicate="intersects")
        on, image = _overlapping(polygons, outlines, on, image)
        touched[on] = True
        pixels = np.array([abs(scene.transform.determinant) for scene in places])
        small[on[shapely.area(polygons[on]) < pixels[image]]] = True
        whole |= _whole(polygons, outlines, on, image)
    words = [
        "ignored" if index == IGNORED else str(names[index])
        for index, is_on in zip(classes, touched.tolist(), strict=True)
        if is_on
    ]
    return PolygonUse(
        classes=dict(Counter(words)),
        outside=int((~touched).sum()),
        cut=int((touched & ~whole).sum()),
        small=int((small & touched).sum()),
    )


def _overlapping(
    polygons: NDArray[np.object_], outlines: NDArray[np.object_], on: NDArray[np.intp], image: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pairs that share more than an edge."""
    shared = ~shapely.touches(polygons[on], outlines[image])
    return on[shared], image[shared]


def _whole(
    polygons: NDArray[np.object_], outlines: NDArray[np.object_], on: NDArray[np.intp], image: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Which polygons lie on images with all of their area."""
    whole = np.zeros(len(polygons), bool)
    whole[on[shapely.covered_by(polygons[on], outlines[image])]] = True
    for number in sorted(set(on[~whole[on]].tolist())):  # on several images, or cut
        ground = shapely.union_all(outlines[image[on == number]])
        shared = shapely.area(shapely.intersection(polygons[number], ground))
        whole[number] = shared >= COVERED * shapely.area(polygons[number])
    return whole
