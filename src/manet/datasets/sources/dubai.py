"""Dubai: satellite imagery with six classes (MBRSC, labelled by Humans in the Loop, CC0). Eight tiles of 3 x 3 parts.

Parts of a tile join without gap or overlap, so each tile is one scene, and tiles are the units of the split. Parts are
of like size but for a pixel: those in one row of the grid have one height, those in one column one width. The tiles
have no CRS. Buildings of tiles 4 and 8 are outlined by block, not by roof.
"""

from functools import lru_cache
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.transform import Affine

from manet.datasets.label_codes import look_up
from manet.datasets.manifest import MANIFEST, Area, Manifest, Split
from manet.datasets.mosaic import Mosaic
from manet.datasets.prepare import Progress, SourceScene, write_dataset
from manet.errors import DatasetError
from manet.files import refuse_existing
from manet.legend import IGNORED, Legend, LegendClass
from manet.raster.labels import LabelRaster, pack
from manet.raster.scene import Scene
from manet.raster.windows import Window

FOLDER = "Semantic segmentation dataset"
GRID = 3
"""Rows and columns of parts in a tile."""

TILES: dict[Split, tuple[int, ...]] = {"train": (1, 2, 4, 5, 6, 7), "validation": (3,), "test": (8,)}
LEGEND = Legend(
    classes=(
        LegendClass(name="building", colour=(0x3C, 0x10, 0x98)),
        LegendClass(name="land", colour=(0x84, 0x29, 0xF6)),
        LegendClass(name="road", colour=(0x6E, 0xC1, 0xE4)),
        LegendClass(name="vegetation", colour=(0xFE, 0xDD, 0x3A)),
        LegendClass(name="water", colour=(0xE2, 0xA9, 0x29)),
    )
)
"""The colours of the masks; those of the publisher's classes.json are others."""

UNLABELLED = ((0x9B, 0x9B, 0x9B), (0, 0, 0))
"""The publisher's colour for it, and a black that is nowhere explained."""

CLASS_OF = {pack(colour): index for index, colour in enumerate(LEGEND.colours)} | {pack(c): IGNORED for c in UNLABELLED}


def prepare(source: Path | None, out: Path, overwrite: bool, progress: Progress) -> Manifest:
    """Parts to one scene a tile, colours to classes, tiles to splits.

    source: the unpacked folder of the publisher, or one with it, or `dubai/` with it, inside.
    Raises DatasetError where parts are missing, do not join, or hold a colour that is no class's.
    """
    if source is None:
        raise DatasetError("dubai is made from files; give the folder of its unpacked archive with --source")
    refuse_existing(out / MANIFEST, overwrite)
    folders = (source, source / FOLDER, source / "dubai" / FOLDER)
    folder = next((f for f in folders if (f / "Tile 1").is_dir()), None)
    if folder is None:
        raise DatasetError(f"{source} has no '{FOLDER}/Tile 1'; give the folder of the publisher's unpacked archive")
    splits: dict[Split, tuple[Area, ...]] = {}
    scenes: list[SourceScene] = []
    for split, tiles in TILES.items():
        found = [_scene(folder, tile, progress) for tile in tiles]
        splits[split] = tuple(Area(scene=s.name, row=0, col=0, height=s.height, width=s.width) for s in found)
        scenes += found
    return write_dataset(
        out,
        dataset="dubai",
        legend=LEGEND,
        bands=("red", "green", "blue"),
        scenes=sorted(scenes, key=lambda scene: scene.name),
        splits=splits,
        attribution="Semantic segmentation of aerial imagery: MBRSC, labelled by Humans in the Loop, CC0.",
        overwrite=overwrite,
        progress=progress,
    )


def _scene(folder: Path, tile: int, progress: Progress) -> SourceScene:
    """A tile, checked whole. Raises DatasetError as `prepare`."""
    images = _join(folder / f"Tile {tile}" / "images", ".jpg")
    labels = _join(folder / f"Tile {tile}" / "masks", ".png")
    for (place, image_path), (other, label_path) in zip(images.parts, labels.parts, strict=True):
        if place != other:
            raise DatasetError(f"{label_path} is not of the size of {image_path}; get the dataset again")
        _check_colours(label_path)
    progress(f"tile {tile}: {GRID * GRID} parts join to {images.height} x {images.width} pixels")

    def image(window: Window) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        return images.read(window, _read_image), np.ones((window.height, window.width), bool)

    return SourceScene(
        name=f"tile_{tile}",
        height=images.height,
        width=images.width,
        dtype="uint8",
        crs=None,
        transform=Affine.identity(),
        image=image,
        labels=lambda window: labels.read(window, _read_classes).astype(np.uint8),
    )


def _join(folder: Path, suffix: str) -> Mosaic:
    """The grid of a tile's parts. Raises DatasetError where one is missing or their sizes do not join."""
    paths = [folder / f"image_part_{part:03}{suffix}" for part in range(1, GRID * GRID + 1)]
    if missing := [path for path in paths if not path.is_file()]:
        raise DatasetError(f"{missing[0]} is missing ({len(missing)} of the tile are); get the dataset again")
    parts = [Scene(path) for path in paths]
    heights, widths = [part.height for part in parts[::GRID]], [part.width for part in parts[:GRID]]
    tops, lefts = [0, *accumulate(heights)], [0, *accumulate(widths)]
    places = []
    for index, part in enumerate(parts):
        row, col = divmod(index, GRID)
        if (part.height, part.width) != (heights[row], widths[col]):
            raise DatasetError(
                f"{part.path} is of {part.height} x {part.width} pixels, expected {heights[row]} x {widths[col]} as in "
                "its row and column of the tile, so the parts do not join; get the dataset again"
            )
        places.append(Window(tops[row], lefts[col], part.height, part.width))
    return Mosaic(tuple(zip(places, paths, strict=True)))


def _check_colours(path: Path) -> None:
    with LabelRaster(path) as raster:
        codes, known = raster.read_colours(raster.window)
    unknown = look_up(codes, CLASS_OF)[1] & known
    if unknown.any():
        row, col = np.argwhere(unknown)[0]
        raise DatasetError(
            f"{path} holds the colour {codes[row, col]:06X}, which is no class's, in {unknown.sum()} pixels "
            f"(first: row {row}, column {col}); get the dataset again"
        )


# JPEG and PNG are decoded from the top, so a part is read whole and kept while windows pass through its row of the grid


def _read_image(path: Path, window: Window) -> NDArray[np.generic]:
    return _image(path)[:, *window.slices]


def _read_classes(path: Path, window: Window) -> NDArray[np.generic]:
    return _classes(path)[window.slices]


@lru_cache(maxsize=2 * GRID)
def _image(path: Path) -> NDArray[np.generic]:
    with Scene(path) as scene:
        return scene.read(scene.window)[0]


@lru_cache(maxsize=2 * GRID)
def _classes(path: Path) -> NDArray[np.uint8]:
    with LabelRaster(path) as raster:
        codes, known = raster.read_colours(raster.window)
    classes = look_up(codes, CLASS_OF)[0]
    classes[~known] = IGNORED
    return classes
