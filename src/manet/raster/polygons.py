"""Polygons of a map, with class, area and confidence, in a file that every GIS can open."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.transform import Affine

from manet.errors import OptionError, SceneError
from manet.files import choices
from manet.progress import QUIET, Progress
from manet.raster.class_raster import as_bytes
from manet.raster.ellipsoid import Floats, Ground, ground_of
from manet.raster.polygon_files import BATCH, Layer, check_polygon_file, write_layers
from manet.raster.provenance import read_provenance
from manet.raster.regularise import regularise
from manet.raster.scene import Scene
from manet.raster.simplify import simplify
from manet.raster.styles import polygon_style
from manet.raster.trace import Polygons, integral, trace
from manet.raster.writer import FULL, read_entries

BACKGROUND = "background"
"""The name of the class that gets no polygons, or polygons cut at cells."""


LEAST_PIXELS = 64
"""Polygons of fewer pixels are specks, unless a smallest area is asked for."""


@dataclass(frozen=True)
class PolygonSettings:
    """Which polygons to write."""

    background: Literal["out", "cells"] = "out"
    """What happens to the class named background: it is left out, or cut at the borders of cells of 1024 pixels."""
    simplify: float = 1.0
    """Bends smaller than this are removed, pixels; 0 keeps the stairs of the pixels."""
    least_area_m2: float | None = None
    """Smaller polygons are left out. None: those of fewer than LEAST_PIXELS pixels; 0: none."""
    regularise: tuple[str, ...] = ()
    """Names of the classes whose polygons get right angles where they share no border with others that are written."""
    displacement_m: float = 0.5
    """How far an outline may move for its right angles."""


def check_classes(settings: PolygonSettings, names: Sequence[str]) -> None:
    """Raises OptionError where a class is to get right angles that is not among a map's."""
    for name in settings.regularise:
        if name not in names:
            raise OptionError(f"got the class {name}; expected {choices(name, names)}", option="regularise")


def write_polygons(
    map_file: Path,
    out: Path,
    probabilities: Path | None = None,
    settings: PolygonSettings | None = None,
    overwrite: bool = False,
    progress: Progress = QUIET,
) -> int:
    """Write the polygons of a class raster.

    Their attributes are class (its index), name, area_m2 (on the ellipsoid, of the pixels even if the outline is
    simplified; none without a CRS) and, with probabilities, confidence: 0 to 1, the mean over the polygon's pixels of
    the largest probability; of a map of manet also what it was made by and from: model, version, scene and date.

    Args:
        map_file: Class raster, whose side-car file holds the names of the classes.
        out: File to write; its ending is one of ENDINGS. A style for QGIS is in the GeoPackage, or beside other files.
        probabilities: Raster of shares as bytes, one band per class, of the same size as the map.
        settings: Which polygons to write.
        overwrite: Whether a file that exists is replaced.
        progress: Is told what was left out.

    Returns:
        How many polygons were written.

    Raises:
        OutputError: The file exists and is not to be overwritten, or it cannot be written.
        SceneError: The map cannot be read, or has no CRS although a smallest area is asked for.
    """
    with as_bytes(map_file) as classes:
        return _write_polygons(
            classes, map_file, out, probabilities, settings or PolygonSettings(), overwrite, progress
        )


def _write_polygons(
    map_file: Path,
    named: Path,
    out: Path,
    probabilities: Path | None,
    settings: PolygonSettings,
    overwrite: bool,
    progress: Progress,
) -> int:
    check_polygon_file(out)
    check_classes(settings, [entry.name for entry in read_entries(named)])
    entries, origin = read_entries(named), read_provenance(named)
    names = {entry.value: entry.name for entry in entries}
    with Scene(map_file) as scene:
        transform, crs, ground = scene.transform, scene.crs, ground_of(scene.crs, scene.transform)
    if ground is None and settings.least_area_m2:
        raise SceneError(f"{named} has no CRS, so the sizes of its polygons are unknown; assign one")
    background = next((index for index, name in names.items() if name.casefold() == BACKGROUND), None)
    polygons = trace(map_file, background, settings.background == "cells")
    pixels = polygons.sums(polygons.corners[:, 0].astype(np.int64) * polygons.corners[:, 1]) if len(polygons) else None
    confidence = None
    if probabilities is not None:
        _check_probabilities(probabilities, map_file, named)
    if probabilities is not None and pixels is not None:
        confidence = polygons.sums(integral(probabilities, polygons.corners)) / pixels / FULL
    simple = simplify(polygons, settings.simplify) if settings.simplify else None

    on_map = _to_map(transform)
    areas_m2 = _areas(polygons, on_map, ground)
    if settings.least_area_m2 is not None or pixels is None:
        written = ~(areas_m2 < (settings.least_area_m2 or 0))
    else:
        written = pixels >= LEAST_PIXELS
    if settings.regularise and len(polygons):
        chosen = (
            np.isin(polygons.classes, [index for index, name in names.items() if name in settings.regularise]) & written
        )
        simple = polygons.shapes(0, len(polygons)) if simple is None else simple
        simple[written] = _with_right_angles(simple[written], chosen[written], settings, ground, named, progress)

    def layers() -> Iterator[Layer]:
        for first in range(0, max(len(polygons), 1), BATCH):
            last = min(first + BATCH, len(polygons))
            pixel_shapes = polygons.shapes(first, last) if simple is None else simple[first:last]
            kept = np.flatnonzero(written[first:last])
            shapes = shapely.transform(pixel_shapes[kept], on_map)
            classes = polygons.classes[first:last][kept].astype(np.int32)
            fields = {
                "class": classes,
                "name": np.array([names.get(int(c), f"class {c}") for c in classes], object),
                "area_m2": areas_m2[first:last][kept],
            }
            if confidence is not None:
                fields["confidence"] = confidence[first:last][kept]
            fields |= {name: np.full(len(kept), value, object) for name, value in origin.items()}
            yield Layer(shapes, fields)

    shown = [entry for entry in entries if entry.value != background or settings.background == "cells"]
    count = write_layers(out, layers(), crs.to_wkt() if crs is not None else None, polygon_style(shown), overwrite)
    if count < len(polygons) or settings.simplify:
        least = f"{LEAST_PIXELS} pixels" if settings.least_area_m2 is None else f"{settings.least_area_m2:g} m²"
        specks = f"polygons left out because they are smaller than {least}: {len(polygons) - count:,}"
        size = f"{settings.simplify:g} pixel{'' if settings.simplify == 1 else 's'}"
        progress.note(specks + (f"; bends below {size} are removed" if settings.simplify else ""))
    return count


def _to_map(transform: Affine) -> Callable[[Floats], Floats]:
    """What moves corners (corners, 2) from columns and rows to map coordinates."""
    linear = np.array([[transform.a, transform.d], [transform.b, transform.e]])
    return lambda corners: corners @ linear + (transform.c, transform.f)


def _areas(polygons: Polygons, on_map: Callable[[Floats], Floats], ground: Ground | None) -> Floats:
    """The areas of polygons along the borders of pixels, square metres; NaN without a CRS."""
    areas = np.full(len(polygons), np.nan)
    for first in range(0, len(polygons) if ground is not None else 0, BATCH):
        last = min(first + BATCH, len(polygons))
        if ground is not None:
            areas[first:last] = ground.polygon_areas_m2(shapely.transform(polygons.shapes(first, last), on_map))
    return areas


def _with_right_angles(
    shapes: NDArray[np.object_],
    chosen: NDArray[np.bool_],
    settings: PolygonSettings,
    ground: Ground | None,
    named: Path,
    progress: Progress,
) -> NDArray[np.object_]:
    """Polygons in pixel coordinates, those that are chosen with right angles on the ground."""
    if ground is None:
        raise SceneError(f"{named} has no CRS, so how far outlines move in metres is unknown; assign one")
    if not len(shapes):
        return shapes
    left, top, right, bottom = shapely.total_bounds(shapes)
    metres = ground.metres_per_pixel((top + bottom) / 2, (left + right) / 2)
    found = regularise(shapely.transform(shapes, lambda c: c @ metres), chosen, settings.displacement_m)
    progress.note(str(found))
    back = shapely.transform(found.shapes, lambda c: c @ np.linalg.inv(metres))
    return np.where(found.changed, back, shapes)


def _check_probabilities(probabilities: Path, map_file: Path, named: Path) -> None:
    """Raises SceneError if confidences cannot be read from a raster: of another size, or not of bytes."""
    with Scene(probabilities, alpha=False) as shares, Scene(map_file) as classes:
        if (shares.height, shares.width) != (classes.height, classes.width) or shares.dtype != "uint8":
            raise SceneError(
                f"{probabilities} has {shares.height} x {shares.width} pixels of {shares.dtype}, the map {named} has "
                f"{classes.height} x {classes.width}; expected probabilities of this map, of bytes"
            )
