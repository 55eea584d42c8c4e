"""Dubai: satellite imagery with five classes (MBRSC, labelled by Humans in the Loop, CC0). Eight tiles of 3 x 3 parts.

The parts of a tile join without gap or overlap, so each tile is one scene, and splits consist of tiles. The sizes of
parts differ by up to a pixel: parts in one row of the grid have the same height, those in one column the same width.
The tiles have no CRS. In tiles 4 and 8 buildings are outlined by block, not by roof.
"""

from functools import lru_cache
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.transform import Affine

from manet.datasets.label_classes import LabelWindow, read_classes
from manet.datasets.legend_file import LabelledClass, LegendFile
from manet.datasets.manifest import MANIFEST, Area, Manifest, Split
from manet.datasets.mosaic import Mosaic
from manet.datasets.prepare import SourceDataset, SourceScene, write_dataset
from manet.datasets.sources.settings import SourceSettings
from manet.errors import DatasetError, DatasetNotFoundError
from manet.files import refuse_existing
from manet.progress import QUIET, Progress
from manet.raster.label_raster import LabelRaster
from manet.raster.scene import Scene
from manet.raster.windows import Window

FOLDER = "Semantic segmentation dataset"
GRID = 3
"""A tile has this many rows and columns of parts."""

TILES: dict[Split, tuple[int, ...]] = {"train": (1, 2, 4, 5, 6, 7), "validation": (3,), "test": (8,)}
UNLABELLED = ((0x9B, 0x9B, 0x9B), (0, 0, 0))
"""The publisher's colour for pixels without a label, and a black that is not explained anywhere."""

LEGEND = LegendFile(
    classes=(
        LabelledClass(name="building", colour=(0x3C, 0x10, 0x98)),
        LabelledClass(name="land", colour=(0x84, 0x29, 0xF6)),
        LabelledClass(name="road", colour=(0x6E, 0xC1, 0xE4)),
        LabelledClass(name="vegetation", colour=(0xFE, 0xDD, 0x3A)),
        LabelledClass(name="water", colour=(0xE2, 0xA9, 0x29)),
    ),
    ignored=UNLABELLED,
)
"""With the colours that the masks have; the publisher's classes.json has others."""


def prepare(
    source: Path, out: Path, settings: SourceSettings, *, overwrite: bool = False, progress: Progress = QUIET
) -> Manifest:
    """Join the parts of each tile to one scene, turn colours into classes and split by tiles.

    Args:
        source: The publisher's unpacked folder, or the folder that it or `dubai/` is in.
        out: Folder of the prepared dataset.
        settings: Dubai has none.
        overwrite: Whether a dataset that is in `out` is replaced.
        progress: Told of every step.

    Raises:
        DatasetNotFoundError: Parts are missing.
        DatasetError: Parts do not join, or hold a colour that no class has.
        OutputError: There is a dataset in `out`, or it cannot be written.
    """
    refuse_existing(out / MANIFEST, overwrite)
    folders = (source, source / FOLDER, source / "dubai" / FOLDER)
    folder = next((f for f in folders if (f / "Tile 1").is_dir()), None)
    if folder is None:
        raise DatasetNotFoundError(
            f"{source} has no '{FOLDER}/Tile 1'; give the folder of the publisher's unpacked archive", option="source"
        )
    splits: dict[Split, tuple[Area, ...]] = {}
    scenes: list[SourceScene] = []
    for split, tiles in TILES.items():
        found = [_scene(folder, tile, progress) for tile in tiles]
        splits[split] = tuple(Area(scene=s.name, row=0, col=0, height=s.height, width=s.width) for s in found)
        scenes += found
    dataset = SourceDataset(
        name="dubai",
        legend=LEGEND.legend,
        bands=("red", "green", "blue"),
        scenes=sorted(scenes, key=lambda scene: scene.name),
        splits=splits,
        attribution="Semantic segmentation of aerial imagery: MBRSC, labelled by Humans in the Loop, CC0.",
    )
    return write_dataset(out, dataset, overwrite=overwrite, progress=progress)


def _scene(folder: Path, tile: int, progress: Progress) -> SourceScene:
    """A tile, of which everything is checked. Raises errors as `prepare`."""
    images = _join(folder / f"Tile {tile}" / "images", ".jpg")
    labels = _join(folder / f"Tile {tile}" / "masks", ".png")
    for (window, image_path), (other, label_path) in zip(images.files, labels.files, strict=True):
        if window != other:
            raise DatasetError(f"{label_path} does not have the size of {image_path}; get the dataset again")
        _check_colours(label_path)
    progress.note(f"tile {tile}: {GRID * GRID} parts join to {images.height} x {images.width} pixels")

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
        labels=lambda window: labels.read(window, _read_labels).astype(np.uint8),
    )


def _join(folder: Path, suffix: str) -> Mosaic:
    """The parts of a tile as one scene. Raises errors as `prepare`."""
    paths = [folder / f"image_part_{part:03}{suffix}" for part in range(1, GRID * GRID + 1)]
    if missing := [path for path in paths if not path.is_file()]:
        raise DatasetNotFoundError(
            f"{missing[0]} is missing, of {len(missing)} missing parts in the tile; get the dataset again"
        )
    parts = [Scene(path) for path in paths]
    heights, widths = [part.height for part in parts[::GRID]], [part.width for part in parts[:GRID]]
    tops, lefts = [0, *accumulate(heights)], [0, *accumulate(widths)]
    windows = []
    for index, part in enumerate(parts):
        row, col = divmod(index, GRID)
        if (part.height, part.width) != (heights[row], widths[col]):
            raise DatasetError(
                f"{part.path} has {part.height} x {part.width} pixels, expected {heights[row]} x {widths[col]} like "
                "its row and column of the tile, so the parts do not join; get the dataset again"
            )
        windows.append(Window(tops[row], lefts[col], part.height, part.width))
    return Mosaic(tuple(zip(windows, paths, strict=True)))


def _check_colours(path: Path) -> None:
    found = _read_whole(path)
    if found.stray.any():
        row, col = np.argwhere(found.stray)[0]
        raise DatasetError(
            f"{path} holds the colour {found.codes[row, col]:06X}, which no class has, in {found.stray.sum()} pixels "
            f"(first: row {row}, column {col}); get the dataset again"
        )


def _read_whole(path: Path) -> LabelWindow:
    with LabelRaster(path) as raster:
        return read_classes(raster, LEGEND, raster.window)


# JPEG and PNG are decoded from the top, so parts are read whole and kept until the windows have passed their row


def _read_image(path: Path, window: Window) -> NDArray[np.generic]:
    return _image(path)[:, *window.slices]


def _read_labels(path: Path, window: Window) -> NDArray[np.generic]:
    return _classes(path)[window.slices]


@lru_cache(maxsize=2 * GRID)
def _image(path: Path) -> NDArray[np.generic]:
    with Scene(path) as scene:
        return scene.read(scene.window)[0]


@lru_cache(maxsize=2 * GRID)
def _classes(path: Path) -> NDArray[np.uint8]:
    return _read_whole(path).classes
