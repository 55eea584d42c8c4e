"""How much ground each class of a map covers."""

import csv
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from manet.files import replacing
from manet.legend import IGNORED, Legend
from manet.raster.ellipsoid import ground_of
from manet.raster.scene import Scene
from manet.raster.windows import tiles
from manet.raster.writer import BLOCK


@dataclass(frozen=True)
class ClassSurface:
    """How much of a map one class covers."""

    name: str
    pixels: int
    area_m2: float | None
    """On the ellipsoid; None where the map's place on earth is unknown."""
    share: float
    """Of the valid pixels, 0 to 1."""


def class_surfaces(path: Path, legend: Legend) -> list[ClassSurface]:
    """Measure a class raster, which is read block by block.

    Args:
        path: Class raster: uint8 indices of the legend's classes, IGNORED where not valid.
        legend: Its classes.

    Returns:
        One entry per class, in the legend's order.

    Raises:
        SceneError: The raster is missing or cannot be read.
    """
    pixels, square_metres = np.zeros(IGNORED + 1, np.int64), np.zeros(IGNORED + 1)
    with Scene(path) as scene:
        ground = ground_of(scene.crs, scene.transform)
        for block in tiles(scene.height, scene.width, BLOCK):
            classes = scene.read(block)[0][0]
            pixels += np.bincount(classes.ravel(), minlength=IGNORED + 1)
            if ground is not None:  # within a block, the pixels of a row have one size
                sizes = np.repeat(ground.pixel_areas_m2(block), block.width)
                square_metres += np.bincount(classes.ravel(), sizes, minlength=IGNORED + 1)
    valid = int(pixels[: len(legend)].sum())
    return [
        ClassSurface(
            name,
            int(pixels[index]),
            float(square_metres[index]) if ground is not None else None,
            int(pixels[index]) / max(valid, 1),
        )
        for index, name in enumerate(legend.names)
    ]


def surfaces_paths(path: Path) -> tuple[Path, Path]:
    """The CSV file and the JSON file that the surfaces are written to, whichever of the two is named."""
    return path.with_suffix(".csv"), path.with_suffix(".json")


def write_surfaces(surfaces: list[ClassSurface], path: Path, overwrite: bool = False) -> None:
    """Write both files of `surfaces_paths`.

    Args:
        surfaces: One entry per class.
        path: Name of either file.
        overwrite: Whether files that exist are replaced.

    Raises:
        OutputError: A file exists and is not to be overwritten, or it cannot be written.
    """
    table, document = surfaces_paths(path)
    with replacing(table, overwrite) as partial, replacing(document, overwrite) as partial_document:
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["name", "pixels", "area_m2", "share"])
            writer.writeheader()
            writer.writerows(asdict(surface) for surface in surfaces)
        text = json.dumps({"classes": [asdict(surface) for surface in surfaces]}, indent=2, ensure_ascii=False)
        partial_document.write_text(text + "\n", encoding="utf-8")
