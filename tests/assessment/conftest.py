"""A small generated town with a flawed map of it, and a way to label a sample of the map."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.transform import Affine

from manet.datasets.sources.town import draw
from manet.legend import ISPRS, Legend
from manet.raster.windows import Window
from manet.raster.writer import write_classes

HEIGHT, WIDTH, GSD_M = 320, 448, 0.5
TRANSFORM = Affine(GSD_M, 0, 500_000, 0, -GSD_M, 5_300_000)


def write_map(
    path: Path,
    classes: np.ndarray,
    legend: Legend = ISPRS,
    crs: CRS | None = CRS.from_epsg(32632),  # noqa: B008
    transform: Affine = TRANSFORM,
) -> Path:
    height, width = classes.shape
    with write_classes(path, height=height, width=width, legend=legend, crs=crs, transform=transform) as raster:
        raster.write(classes, Window(0, 0, height, width))
    return path


@pytest.fixture(scope="session")
def truth() -> np.ndarray:
    return draw(HEIGHT, WIDTH, 7, GSD_M).labels


@pytest.fixture(scope="session")
def mapped(truth: np.ndarray) -> np.ndarray:
    """The town shifted by 2 pixels, without data in a corner."""
    found = np.roll(truth, (2, -2), (0, 1))
    found[:20, :30] = 255
    return found


@pytest.fixture(scope="session")
def map_file(mapped: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_map(tmp_path_factory.mktemp("map") / "map.tif", mapped)


@pytest.fixture(scope="session")
def labels_file(truth: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_map(tmp_path_factory.mktemp("labels") / "labels.tif", truth)


Rows = list[dict[str, str]]


def read_rows(path: Path) -> Rows:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, rows: Rows) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    return path


def pixel_of(row: dict[str, str]) -> tuple[int, int]:
    """Row and column of a point of a CSV file."""
    return int((5_300_000 - float(row["y"])) / GSD_M), int((float(row["x"]) - 500_000) / GSD_M)


def label_points(path: Path, truth: np.ndarray, legend: Legend) -> Rows:
    """Fill in the reference of a CSV sample from true classes (height, width)."""
    rows = read_rows(path)
    for row in rows:
        row["reference"] = legend.names[truth[pixel_of(row)]]
    write_rows(path, rows)
    return rows


@pytest.fixture
def label(truth: np.ndarray) -> Callable[[Path], Rows]:
    """Fills in the reference of a CSV sample of the town."""
    return lambda path: label_points(path, truth, ISPRS)
