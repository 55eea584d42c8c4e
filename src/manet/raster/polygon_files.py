"""Files of polygons with attributes and a style for QGIS, in the formats that a GIS opens."""

import os
import sqlite3
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyogrio.errors
import pyogrio.raw
import shapely
from numpy.typing import NDArray

from manet.errors import OutputError
from manet.files import refuse_existing, replacing, staging
from manet.raster.styles import add_style, style_path, write_style
from manet.raster.vectors import GEOPACKAGE

DRIVERS = {
    ".gpkg": "GPKG",
    ".geojson": "GeoJSON",
    ".shp": "ESRI Shapefile",
    ".fgb": "FlatGeobuf",
    ".parquet": "Parquet",
}
ENDINGS = tuple(DRIVERS)

WRITE_ERRORS = (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError)

BATCH = 50_000
"""How many polygons are written to a GeoPackage at a time; other files are written at once."""


@dataclass(frozen=True)
class Layer:
    """Polygons with their attributes."""

    shapes: NDArray[np.object_]
    """(polygons,): in map coordinates."""
    fields: dict[str, NDArray[Any]]
    """(polygons,) each, by the name of the attribute."""


def check_polygon_file(path: Path) -> str:
    """The name of GDAL's driver for a file of polygons.

    Raises:
        OutputError: The file's ending stands for no driver, or the installed GDAL cannot write with it.
    """
    if ";" in path.name:
        raise OutputError(f"{path} has a semicolon in its name, which GDAL cannot write; give another name")
    driver = DRIVERS.get(path.suffix)
    if driver is None:
        names = f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
        raise OutputError(f"{path} is not a name for polygons; expected one that ends in {names}")
    if "w" not in pyogrio.list_drivers(write=True).get(driver, ""):
        raise OutputError(f"the installed GDAL cannot write {driver} ({path}); give a name that ends in .gpkg")
    return driver


def write_layers(out: Path, layers: Iterable[Layer], crs: str | None, style: str, overwrite: bool = False) -> int:
    """Write polygons.

    GeoJSON has longitudes and latitudes of WGS 84 if there is a CRS, as its standard (RFC 7946) asks for.

    Args:
        out: File to write; its ending is one of ENDINGS.
        layers: The polygons, in turn, at least one layer; all have the same attributes.
        crs: WKT; None if unknown.
        style: QML; it goes into a GeoPackage, and beside other files.
        overwrite: Whether files that exist are replaced.

    Returns:
        How many polygons were written.

    Raises:
        OutputError: A file exists and is not to be overwritten, or it cannot be written.
    """
    driver, count = check_polygon_file(out), 0
    if driver != "GPKG":
        layers = [_joined(list(layers))]
        refuse_existing(style_path(out), overwrite)
    with _target(out, overwrite) as partial:
        try:
            for number, layer in enumerate(layers):
                _write(partial, out.stem, driver, layer, crs, append=number > 0)
                count += len(layer.shapes)
            if driver == "GPKG":
                add_style(partial, out.stem, style)
        except (*WRITE_ERRORS, sqlite3.Error) as error:
            raise OutputError(f"{out} cannot be written ({error}); check the name, the folder and the disk") from error
    if driver != "GPKG":
        write_style(out, style, overwrite)
    return count


@contextmanager
def _target(out: Path, overwrite: bool) -> Iterator[Path]:
    """Where a file is written first. A shapefile is several files, so they are written in a folder of their own."""
    if out.suffix != ".shp":
        with replacing(out, overwrite) as partial:
            yield partial
        return
    refuse_existing(out, overwrite)
    with staging(out) as folder:
        yield folder / out.name
        for part in sorted(folder.iterdir(), key=lambda path: path.suffix == ".shp"):  # the main file last
            os.replace(part, out.with_name(part.name))


def _write(path: Path, name: str, driver: str, layer: Layer, crs: str | None, append: bool) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*crs.*")
        pyogrio.raw.write(
            path,
            shapely.to_wkb(layer.shapes),
            list(layer.fields.values()),
            list(layer.fields),
            layer=name,
            driver=driver,
            dataset_options=GEOPACKAGE if driver == "GPKG" and not append else None,
            layer_options={"RFC7946": "YES"} if driver == "GeoJSON" and crs is not None else None,
            encoding="UTF-8" if driver == "ESRI Shapefile" else None,
            geometry_type="Polygon",
            crs=crs,
            append=append,
        )


def _joined(layers: list[Layer]) -> Layer:
    names = layers[0].fields
    return Layer(
        np.concatenate([layer.shapes for layer in layers]),
        {name: np.concatenate([layer.fields[name] for layer in layers]) for name in names},
    )
