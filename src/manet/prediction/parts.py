"""Finished strips on disk, until the rasters are put together from them."""

import os
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.files import replacing
from manet.legend import IGNORED
from manet.raster.windows import Window, tiles
from manet.raster.writer import BLOCK

Bytes = NDArray[np.uint8]


class Parts:
    """Strips of layers in a folder: each a zip file that holds its pieces, written whole or not at all.

    A piece is read by itself, so memory does not depend on the length of a strip.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def finished(self) -> int:
        """How many strips are there, counted from the first."""
        count = 0
        while self._path(count).exists():
            count += 1
        return count

    def write(self, index: int, pieces: Iterable[tuple[Window, Bytes]]) -> None:
        """A strip; the array of each piece is (layers, height, width)."""
        with replacing(self._path(index), overwrite=True) as partial:
            with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for w, values in pieces:
                    archive.writestr(f"{w.row} {w.col} {w.height} {w.width}", values.tobytes())
            with partial.open("rb+") as file:
                os.fsync(file.fileno())  # a name must not outlive a power cut that its contents did not

    def blocks(self, height: int, width: int, layers: slice) -> Iterator[tuple[Window, Bytes]]:
        """Layers of a raster block by block, row by row, IGNORED where there is no piece."""
        waiting = [_Strip(self._path(index)) for index in range(self.finished)]
        for block in tiles(height, width, BLOCK):
            while waiting and waiting[0].bottom <= block.row:
                waiting.pop(0).close()
            values = np.full((layers.stop - layers.start, block.height, block.width), IGNORED, np.uint8)
            for strip in waiting:
                if strip.row >= block.bottom:
                    break
                strip.fill(values, block, layers)
            yield block, values
        for strip in waiting:
            strip.close()

    def _path(self, index: int) -> Path:
        return self.folder / f"strip-{index:06}.zip"


class _Strip:
    """A strip's pieces, found by their columns. It is open from its first use to `close`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._archive: zipfile.ZipFile | None = None
        self._pieces: dict[int, list[Window]] = defaultdict(list)
        with zipfile.ZipFile(path) as archive:
            pieces = [Window(*map(int, name.split())) for name in archive.namelist()]
        self.row = min((piece.row for piece in pieces), default=0)
        self.bottom = max((piece.bottom for piece in pieces), default=0)
        for piece in pieces:
            for column in range(piece.col // BLOCK, (piece.right - 1) // BLOCK + 1):
                self._pieces[column].append(piece)

    def fill(self, values: Bytes, block: Window, layers: slice) -> None:
        for piece in self._pieces.get(block.col // BLOCK, []):
            common = piece.intersect(block)
            if common is not None:
                whole = self._read(piece)
                values[:, *common.within(block).slices] = whole[layers, *common.within(piece).slices]

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()

    def _read(self, piece: Window) -> Bytes:
        if self._archive is None:
            self._archive = zipfile.ZipFile(self.path)
        name = f"{piece.row} {piece.col} {piece.height} {piece.width}"
        return np.frombuffer(self._archive.read(name), np.uint8).reshape(-1, piece.height, piece.width)
