"""Cloud-optimised GeoTIFFs: overviews inside, in the order that reading over a network wants."""

from pathlib import Path
from typing import Literal

import rasterio.shutil

from manet.files import replacing
from manet.raster.writer import BLOCK, read_back


def write_cog(source: Path, out: Path, overviews: Literal["mode", "average"]) -> None:
    """Copy a finished GeoTIFF to a cloud-optimised one, over what is there.

    overviews: of classes the most frequent one ("mode"), of quantities the mean. Raises OutputError where it cannot be
    written.
    """
    with replacing(out, overwrite=True) as partial:
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
            if sidecar.exists():  # category names
                sidecar.replace(out.with_name(f"{out.name}.aux.xml"))
        finally:
            sidecar.unlink(missing_ok=True)
