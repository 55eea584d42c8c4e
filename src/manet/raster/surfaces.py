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
class ClassArea:
    """What a class covers of a map."""

    name: str
    pixels: int
    area_m2: float | None
    """On the ellipsoid; None where the map has no place on earth."""
    share: float
    """Of the valid pixels, 0 to 1."""


def class_areas(path: Path, legend: Legend) -> list[ClassArea]:
    """Of the legend's classes on a class raster, read block by block; each row of a block has pixels of one size."""
    pixels, square_metres = np.zeros(IGNORED + 1, np.int64), np.zeros(IGNORED + 1)
    with Scene(path) as scene:
        ground = ground_of(scene.crs, scene.transform)
        for block in tiles(scene.height, scene.width, BLOCK):
            classes = scene.read(block)[0][0]
            pixels += np.bincount(classes.ravel(), minlength=IGNORED + 1)
            if ground is not None:
                sizes = np.repeat(ground.pixel_areas(block), block.width)
                square_metres += np.bincount(classes.ravel(), sizes, minlength=IGNORED + 1)
    valid = int(pixels[: len(legend)].sum())
    return [
        ClassArea(
            name,
            int(pixels[index]),
            float(square_metres[index]) if ground is not None else None,
            int(pixels[index]) / max(valid, 1),
        )
        for index, name in enumerate(legend.names)
    ]


def areas_paths(path: Path) -> tuple[Path, Path]:
    """Where the areas stand as CSV and as JSON, whichever of the two is named."""
    return path.with_suffix(".csv"), path.with_suffix(".json")


def write_areas(areas: list[ClassArea], path: Path, overwrite: bool = False) -> None:
    """Both files of `areas_paths`. Raises OutputError where one exists and is not to be overwritten."""
    table, document = areas_paths(path)
    with replacing(table, overwrite) as partial, replacing(document, overwrite) as partial_document:
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["name", "pixels", "area_m2", "share"])
            writer.writeheader()
            writer.writerows(asdict(area) for area in areas)
        text = json.dumps({"classes": [asdict(area) for area in areas]}, indent=2, ensure_ascii=False)
        partial_document.write_text(text + "\n", encoding="utf-8")
