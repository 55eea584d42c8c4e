"""Class rasters to polygons: whole ones, whose corners are pixel corners, in memory that depends on corners alone."""

import warnings
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import rasterio
import rasterio.features
import shapely
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine
from rasterio.windows import Window as RasterioWindow

from manet.legend import IGNORED
from manet.raster.windows import tiles
from manet.raster.writer import BLOCK

CELL = 1024
"""Height and width of the cells that a background is cut into, pixels."""


@dataclass(frozen=True)
class Polygons:
    """Polygons in pixel coordinates: the arrays of `shapely.from_ragged_array`, and each polygon's class."""

    corners: NDArray[np.int32]
    """(corners, 2): column and row; each ring's first corner is its last too."""
    rings: NDArray[np.int64]
    """Where each ring begins among the corners, and the end of the last one."""
    starts: NDArray[np.int64]
    """Where each polygon begins among the rings, outer ring first, and the end of the last one."""
    classes: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.classes)

    def shapes(self, first: int, last: int) -> NDArray[np.object_]:
        """Polygons from one number up to another, as shapely's."""
        rings = self.rings[self.starts[first] : self.starts[last] + 1]
        corners = self.corners[rings[0] : rings[-1]].astype(np.float64)
        offsets = (rings - rings[0], self.starts[first : last + 1] - self.starts[first])
        return shapely.from_ragged_array(shapely.GeometryType.POLYGON, corners, offsets)

    def sums(self, at_corners: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of a quantity over the pixels of each polygon, from its sums over all pixels above and left of each corner.

        A polygon of vertical and horizontal edges is a sum of rectangles, so going along its vertical edges is enough.
        """
        begins = np.delete(np.arange(len(self.corners)), self.rings[1:] - 1)
        vertical = self.corners[begins, 0] == self.corners[begins + 1, 0]
        steps = np.where(vertical, at_corners[begins + 1] - at_corners[begins], 0)
        first = self.rings[:-1] - np.arange(len(self.rings) - 1)  # each ring has one edge less than corners
        of_rings = np.abs(np.add.reduceat(steps, first))
        of_rings[np.setdiff1d(np.arange(len(of_rings)), self.starts[:-1])] *= -1  # holes
        return np.add.reduceat(of_rings, self.starts[:-1])


def trace(path: Path, left_out: int | None = None, cells: bool = False) -> Polygons:
    """The connected regions (by edges) of equal class of a raster; nodata is none.

    left_out: a class without polygons of its own; cells: with polygons that end at the borders of cells.
    """
    corners, rings, starts, classes = array("i"), array("q", [0]), array("q", [0]), array("B")
    with warnings.catch_warnings(), rasterio.open(path) as raster:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        wanted = [int(value not in (IGNORED, left_out)) for value in range(256)]
        # without georeference, or rasterio would place the corners on the ground
        with (
            rasterio.open(_looked_up(path, raster, range(256))) as plain,
            rasterio.open(_looked_up(path, raster, wanted)) as mask,
        ):
            found = _shapes(rasterio.band(plain, 1), rasterio.band(mask, 1))
            if left_out is not None and cells:
                found = chain(found, _cells(raster, left_out))
            for polygon, value in found:
                for ring in polygon:
                    corners.extend(map(int, chain.from_iterable(ring)))
                    rings.append(len(corners) // 2)
                starts.append(len(rings) - 1)
                classes.append(int(value))
    return Polygons(
        np.frombuffer(corners, np.int32).reshape(-1, 2) if corners else np.zeros((0, 2), np.int32),
        np.frombuffer(rings, np.int64),
        np.frombuffer(starts, np.int64),
        np.frombuffer(classes, np.uint8) if classes else np.zeros(0, np.uint8),
    )


def integral(path: Path, corners: NDArray[np.int32]) -> NDArray[np.int64]:
    """Of the largest band of a raster of bytes, the sum over all pixels above and left of each corner (corners,).

    IGNORED counts as 0. The raster is read once, block by block.
    """
    totals = np.zeros(len(corners), np.int64)
    with rasterio.open(path) as raster:
        height, width = raster.shape
        across = -(-width // BLOCK)
        block_of = np.minimum(corners[:, 1] // BLOCK, -(-height // BLOCK) - 1) * across
        block_of += np.minimum(corners[:, 0] // BLOCK, across - 1)
        order = np.argsort(block_of, kind="stable")
        bounds = np.searchsorted(block_of[order], np.arange(across * -(-height // BLOCK) + 1))
        above = below = np.zeros(width + 1, np.int64)
        left = np.zeros(0, np.int64)
        for number, block in enumerate(tiles(height, width, BLOCK)):
            if block.col == 0:
                left = np.zeros(block.height + 1, np.int64)
                below = above.copy()
            values = raster.read(window=RasterioWindow(block.col, block.row, block.width, block.height)).max(axis=0)  # type: ignore[call-arg]
            local = np.zeros((block.height + 1, block.width + 1), np.int64)
            local[1:, 1:] = np.where(values == IGNORED, 0, values).cumsum(axis=0, dtype=np.int64).cumsum(axis=1)
            local += left[:, None]
            here = order[bounds[number] : bounds[number + 1]]
            columns, rows = corners[here, 0], corners[here, 1]
            totals[here] = above[columns] + local[rows - block.row, columns - block.col]
            below[block.col + 1 : block.right + 1] += local[-1, 1:]
            left = local[:, -1].copy()
            if block.right == width:
                above = below
    return totals


def _shapes(band: Any, mask: Any) -> Iterator[tuple[list[list[tuple[float, float]]], float]]:
    """GDAL's polygons of a band, which it reads row by row."""
    for shape, value in rasterio.features.shapes(band, mask=mask, connectivity=4, transform=Affine.identity()):
        yield shape["coordinates"], value


def _cells(raster: rasterio.DatasetReader, index: int) -> Iterator[tuple[list[list[tuple[float, float]]], float]]:
    for cell in tiles(raster.height, raster.width, CELL):
        classes = raster.read(1, window=RasterioWindow(cell.col, cell.row, cell.width, cell.height))  # type: ignore[call-arg]
        for polygon, value in _shapes(classes, classes == index):
            yield [[(x + cell.col, y + cell.row) for x, y in ring] for ring in polygon], value


def _looked_up(path: Path, raster: rasterio.DatasetReader, values: Iterable[int]) -> str:
    """A virtual raster with other values for 0 to 255, and without georeference."""
    table = ",".join(f"{value}:{other}" for value, other in enumerate(values))
    return (
        f'<VRTDataset rasterXSize="{raster.width}" rasterYSize="{raster.height}">'
        '<VRTRasterBand dataType="Byte" band="1"><ComplexSource>'
        f'<SourceFilename relativeToVRT="0">{escape(str(path))}</SourceFilename><SourceBand>1</SourceBand>'
        f"<LUT>{table}</LUT></ComplexSource></VRTRasterBand></VRTDataset>"
    )
