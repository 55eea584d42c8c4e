"""From class rasters to polygons, whose corners are corners of pixels.

A region becomes one polygon however large it is; memory grows with the number of corners only.
"""

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
from rasterio.transform import Affine

from manet.legend import IGNORED
from manet.raster.scene import open_dataset, rasterio_window
from manet.raster.windows import tiles
from manet.raster.writer import BLOCK

CELL = 1024
"""Height and width of the cells that a background is cut into, pixels."""


@dataclass(frozen=True)
class Polygons:
    """Polygons in pixel coordinates as the arrays of `shapely.from_ragged_array`, with their classes."""

    corners: NDArray[np.int32]
    """(corners, 2): column and row. The last corner of a ring is its first."""
    rings: NDArray[np.int64]
    """(rings + 1,): where each ring begins among the corners, and where the last one ends."""
    starts: NDArray[np.int64]
    """(polygons + 1,): where each polygon begins among the rings, outer ring first, and where the last one ends."""
    classes: NDArray[np.uint8]
    """(polygons,): class indices."""

    def __len__(self) -> int:
        return len(self.classes)

    def shapes(self, first: int, last: int) -> NDArray[np.object_]:
        """Shapely polygons from number `first` up to and without number `last`."""
        rings = self.rings[self.starts[first] : self.starts[last] + 1]
        corners = self.corners[rings[0] : rings[-1]].astype(np.float64)
        offsets = (rings - rings[0], self.starts[first : last + 1] - self.starts[first])
        return shapely.from_ragged_array(shapely.GeometryType.POLYGON, corners, offsets)

    def sums(self, at_corners: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sum a quantity over the pixels of each polygon.

        Edges are vertical or horizontal, so a polygon is a sum of rectangles, and it is enough to go along its vertical
        edges.

        Args:
            at_corners: (corners,): the quantity's sum over all pixels above and left of each corner.

        Returns:
            (polygons,)
        """
        begins = np.delete(np.arange(len(self.corners)), self.rings[1:] - 1)
        vertical = self.corners[begins, 0] == self.corners[begins + 1, 0]
        steps = np.where(vertical, at_corners[begins + 1] - at_corners[begins], 0)
        first = self.rings[:-1] - np.arange(len(self.rings) - 1)  # each ring has one edge less than corners
        of_rings = np.abs(np.add.reduceat(steps, first))
        of_rings[np.setdiff1d(np.arange(len(of_rings)), self.starts[:-1])] *= -1  # holes
        return np.add.reduceat(of_rings, self.starts[:-1])


def trace(path: Path, left_out: int | None = None, cells: bool = False) -> Polygons:
    """Find the regions of equal class of a raster; pixels are neighbours if they share an edge.

    Args:
        path: Class raster, uint8; pixels of the value IGNORED belong to no region.
        left_out: A class whose regions are not found.
        cells: Whether the regions of that class are found all the same, cut at the borders of cells.

    Returns:
        One polygon per region, in pixel coordinates.
    """
    corners, rings, starts, classes = array("i"), array("q", [0]), array("q", [0]), array("B")
    with open_dataset(path) as raster:
        wanted = [int(value not in (IGNORED, left_out)) for value in range(256)]
        # without georeference, since rasterio would give corners in map coordinates
        with (
            open_dataset(_looked_up(path, raster, range(256))) as plain,
            open_dataset(_looked_up(path, raster, wanted)) as mask,
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
    """Sum each pixel's largest band over all pixels above and left of corners.

    The raster is read once, block by block.

    Args:
        path: Raster of bytes, in which IGNORED counts as 0.
        corners: (corners, 2): column and row.

    Returns:
        (corners,)
    """
    totals = np.zeros(len(corners), np.int64)
    with open_dataset(path) as raster:
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
            values = raster.read(window=rasterio_window(block)).max(axis=0)
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
    """The polygons of a band that GDAL finds, reading row by row: rings of corners, and the value inside."""
    for shape, value in rasterio.features.shapes(band, mask=mask, connectivity=4, transform=Affine.identity()):
        yield shape["coordinates"], value


def _cells(raster: rasterio.DatasetReader, index: int) -> Iterator[tuple[list[list[tuple[float, float]]], float]]:
    """The polygons of one class, cut at the borders of cells."""
    for cell in tiles(raster.height, raster.width, CELL):
        classes = raster.read(1, window=rasterio_window(cell))
        for polygon, value in _shapes(classes, classes == index):
            yield [[(x + cell.col, y + cell.row) for x, y in ring] for ring in polygon], value


def _looked_up(path: Path, raster: rasterio.DatasetReader, values: Iterable[int]) -> str:
    """A virtual raster without georeference, in which the values 0 to 255 are replaced by others."""
    table = ",".join(f"{value}:{other}" for value, other in enumerate(values))
    return (
        f'<VRTDataset rasterXSize="{raster.width}" rasterYSize="{raster.height}">'
        '<VRTRasterBand dataType="Byte" band="1"><ComplexSource>'
        f'<SourceFilename relativeToVRT="0">{escape(str(path))}</SourceFilename><SourceBand>1</SourceBand>'
        f"<LUT>{table}</LUT></ComplexSource></VRTRasterBand></VRTDataset>"
    )
