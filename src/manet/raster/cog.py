"""Cloud-optimised GeoTIFFs: with overviews inside, and in the order that reading over a network needs."""

from pathlib import Path
from typing import Literal

import rasterio.shutil

from manet.files import replacing
from manet.raster.styles import style_path, write_style
from manet.raster.writer import BLOCK, gdal_writes, read_back


def write_cog(source: Path, out: Path, overviews: Literal["mode", "average"]) -> None:
    """Copy a finished GeoTIFF to a cloud-optimised one.

    Args:
        source: GeoTIFF to copy.
        out: File to write, replaced if it exists.
        overviews: How overviews summarise pixels: by the most frequent value ("mode", for classes) or by the mean
            ("average", for quantities).

    Raises:
        OutputError: The file cannot be written.
    """
    with replacing(out, overwrite=True) as partial, gdal_writes(out):
        sidecar = partial.with_name(f"{partial.name}.aux.xml")
        try:
            rasterio.shutil.copy(
                source,
                partial,
                driver="COG",
                blocksize=BLOCK,
                compress="deflate",
                level=6,
                bigtiff="if_safer",
                overview_resampling=overviews,
            )
            read_back(partial)
            if sidecar.exists():  # it holds the names of the classes
                sidecar.replace(out.with_name(f"{out.name}.aux.xml"))
            if style_path(source).exists():
                write_style(out, style_path(source).read_text(encoding="utf-8"), overwrite=True)
        finally:
            sidecar.unlink(missing_ok=True)
