"""Class rasters as others write them: of other number types, with nodata values of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import rasterio
from rasterio.windows import Window as RasterioWindow

from manet.errors import SceneError
from manet.legend import IGNORED
from manet.raster.scene import open_dataset, rasterio_window, reading
from manet.raster.windows import tiles
from manet.raster.writer import BLOCK


@contextmanager
def as_bytes(path: Path) -> Iterator[Path]:
    """A class raster of bytes in which IGNORED is what has no class: the raster itself, or a temporary copy.

    Args:
        path: One band of whole numbers from 0 to 254; its nodata value, masked pixels and IGNORED have no class.

    Raises:
        SceneError: It cannot be read, has several bands, or holds other values.
    """
    with reading(str(path)), open_dataset(path) as source:
        if source.count != 1:
            raise SceneError(f"{path} has {source.count} bands, so it is no map of classes; give one with one band")
        as_it_is = source.dtypes[0] == "uint8" and source.nodata in (None, IGNORED)
    if as_it_is:
        yield path
        return
    with TemporaryDirectory(prefix="manet-") as folder:
        copy = Path(folder) / "classes.tif"
        with reading(str(path)), open_dataset(path) as source:
            profile = {"driver": "GTiff", "height": source.height, "width": source.width, "count": 1, "dtype": "uint8"}
            layout = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate"}
            with rasterio.open(copy, "w", **profile, crs=source.crs, transform=source.transform, **layout) as target:
                for window in tiles(source.height, source.width, BLOCK):
                    classes = _classes(source, rasterio_window(window), path)
                    target.write(classes, 1, window=rasterio_window(window))
        yield copy


def _classes(source: rasterio.DatasetReader, window: RasterioWindow, path: Path) -> np.ndarray:
    values = source.read(1, window=window)
    known = source.read_masks(1, window=window) > 0
    if np.issubdtype(values.dtype, np.floating):
        known &= np.isfinite(values)
    known &= values != IGNORED
    kept = np.where(known, values, 0)
    wrong = (kept < 0) | (kept > IGNORED) | (kept != np.rint(kept))
    if wrong.any():
        raise SceneError(f"{path} holds the value {kept[wrong][0]:g}; expected classes, whole numbers from 0 to 254")
    return np.where(known, kept, IGNORED).astype(np.uint8)
