"""Banepa, Nepal: a drone orthophoto in web-map tiles and building outlines. One scene of 4096 x 3072 pixels."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine

from manet.datasets.catalogue import remote_dataset
from manet.datasets.manifest import Area, Manifest, Split
from manet.datasets.mosaic import Mosaic
from manet.datasets.prepare import SourceDataset, SourceScene, write_dataset
from manet.datasets.sources.settings import SourceSettings
from manet.errors import DatasetError, DatasetNotFoundError
from manet.legend import BUILDINGS
from manet.progress import QUIET, Progress
from manet.raster.scene import Scene
from manet.raster.vectors import burn, read_polygons
from manet.raster.windows import Window

CHIP = 512
ZOOM = 19
WEB_MERCATOR = "EPSG:3857"
HALF_EQUATOR = 20037508.342789244
"""Half the width of the web-map plane, in its units."""

ROWS: dict[Split, tuple[int, int]] = {"train": (0, 2048), "validation": (2048, 2560), "test": (2560, 4096)}
"""The first row of each split and the row after its last. Splits are contiguous, since pixels next to each other are
alike and would leak from one split to another."""


def prepare(
    source: Path, out: Path, settings: SourceSettings, *, overwrite: bool = False, progress: Progress = QUIET
) -> Manifest:
    """Join the chips to one scene, burn the outlines into labels and split by rows.

    Args:
        source: The folder that `data/sample/train` or `banepa/` lies in.
        out: Folder of the prepared dataset.
        settings: Banepa has none.
        overwrite: Whether a dataset that is in `out` is replaced.
        progress: Told of every step.

    Raises:
        DatasetNotFoundError: Chips or outlines are missing.
        DatasetError: The chips are not those of the dataset.
        OutputError: There is a dataset in `out`, or it cannot be written.
    """
    folder = next((f for f in (source, source / "banepa") if (f / "data/sample/train").is_dir()), None)
    if folder is None:
        raise DatasetNotFoundError(
            f"{source} has no data/sample/train; fetch the dataset banepa first, and give the folder it was fetched to",
            option="source",
        )
    train = folder / "data/sample/train"
    chips = _chips(train / "oam")
    columns, rows = (sorted({key[axis] for key in chips}) for axis in (0, 1))
    if missing := [f"OAM-{x}-{y}-{ZOOM}.tif" for x in columns for y in rows if (x, y) not in chips]:
        raise DatasetNotFoundError(
            f"{train / 'oam'} lacks {missing[0]} of its grid ({len(missing)} missing); fetch the dataset again"
        )
    height, width = CHIP * len(rows), CHIP * len(columns)
    if height != ROWS["test"][1]:
        raise DatasetError(
            f"{train / 'oam'} gives a scene of {height} rows, expected {ROWS['test'][1]}; fetch the dataset again"
        )

    tile = 2 * HALF_EQUATOR / 2**ZOOM
    transform = Affine(tile / CHIP, 0, columns[0] * tile - HALF_EQUATOR, 0, -tile / CHIP, HALF_EQUATOR - rows[0] * tile)
    outlines = next(iter(sorted((train / "osm").glob("*.geojson"))), None)
    if outlines is None:
        raise DatasetNotFoundError(f"{train / 'osm'} has no outlines (.geojson); fetch the dataset again")
    buildings = [(polygon, 1) for polygon in read_polygons(outlines, WEB_MERCATOR)]

    windows = {(x, y): Window(rows.index(y) * CHIP, columns.index(x) * CHIP, CHIP, CHIP) for x, y in chips}
    mosaic = Mosaic(tuple((windows[key], path) for key, path in chips.items()))

    def image(window: Window) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        return mosaic.read(window, _read_chip), np.ones((window.height, window.width), bool)

    scene = SourceScene(
        name="banepa",
        height=height,
        width=width,
        dtype="uint8",
        crs=CRS.from_string(WEB_MERCATOR),
        transform=transform,
        image=image,
        labels=lambda window: burn(buildings, window, transform, background=0),
    )
    dataset = SourceDataset(
        name="banepa",
        legend=BUILDINGS,
        bands=("red", "green", "blue"),
        scenes=[scene],
        splits={
            split: (Area(scene="banepa", row=top, col=0, height=bottom - top, width=width),)
            for split, (top, bottom) in ROWS.items()
        },
        attribution=remote_dataset("banepa").attribution,
    )
    return write_dataset(out, dataset, overwrite=overwrite, progress=progress)


def _read_chip(path: Path, window: Window) -> NDArray[np.generic]:
    with Scene(path) as chip:
        return chip.read(window)[0]


def _chips(folder: Path) -> dict[tuple[int, int], Path]:
    """The files of the chips, by the x and y of their web-map tiles."""
    found = {}
    for path in sorted(folder.glob("OAM-*.tif")):
        if match := re.fullmatch(rf"OAM-(\d+)-(\d+)-{ZOOM}\.tif", path.name):
            found[int(match[1]), int(match[2])] = path
    if not found:
        raise DatasetNotFoundError(f"{folder} has no chips named OAM-x-y-{ZOOM}.tif; fetch the dataset again")
    return found
