"""Files of features with attributes: points and polygons of a sample, with a form for QGIS in a GeoPackage."""

import csv
import sqlite3
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyogrio.errors
import pyogrio.raw
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from manet.csv_rows import read_csv
from manet.errors import OutputError, SampleError, SampleNotFoundError
from manet.files import replacing
from manet.raster.styles import add_style
from manet.raster.vectors import GEOPACKAGE, is_on_earth

ENDINGS = (".gpkg", ".csv")


@dataclass(frozen=True)
class Features:
    """The features of a file in the file's order."""

    path: str
    crs: str | None
    """None if it has none, as a CSV file."""
    geometries: NDArray[np.object_] | None
    """None of a CSV file, whose coordinates are columns."""
    columns: dict[str, list[Any]]
    """Values by the name of the attribute; a missing one is None. Of a CSV file, text."""

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ())) if self.geometries is None else len(self.geometries)

    def points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The x and y of the points, in the file's CRS; NaN where a geometry is no point."""
        assert self.geometries is not None
        return shapely.get_x(self.geometries), shapely.get_y(self.geometries)


def move_points(
    x: NDArray[np.float64], y: NDArray[np.float64], crs: str | None, to: str | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places in another CRS; infinite where there is none. Without two CRSs, places stay as they are."""
    if crs is None or to is None:
        return x, y
    move = Transformer.from_crs(CRS.from_user_input(crs), CRS.from_user_input(to), always_xy=True)
    moved_x, moved_y = move.transform(x, y)
    return np.asarray(moved_x), np.asarray(moved_y)


def check_feature_file(path: Path) -> None:
    """Raises OutputError if features cannot be written under this name."""
    if path.suffix.lower() not in ENDINGS:
        raise OutputError(f"{path} is not a name for a sample; expected one that ends in {' or '.join(ENDINGS)}")


def write_features(
    path: Path,
    geometries: Sequence[shapely.Geometry],
    kind: Literal["Point", "Polygon"],
    columns: Mapping[str, Sequence[Any]],
    crs: str | None,
    form: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write features as a GeoPackage, or points as a CSV file with columns x and y.

    Args:
        path: File to write, .gpkg or .csv.
        geometries: One per feature, in the CRS.
        kind: Of all geometries.
        columns: Values by the name of the attribute; None is missing.
        crs: WKT; None if unknown.
        form: QML for QGIS, which takes it from the GeoPackage by itself.
        overwrite: Whether a file that exists is replaced.

    Raises:
        OutputError: The file exists and is not to be overwritten, or it cannot be written.
    """
    check_feature_file(path)
    with replacing(path, overwrite) as partial:
        if path.suffix.lower() == ".csv":
            _write_csv(partial, geometries, columns)
            return
        values = [_column(column) for column in columns.values()]
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", ".*crs.*")
                pyogrio.raw.write(
                    partial,
                    shapely.to_wkb(np.array(geometries, object)),
                    values,
                    list(columns),
                    layer=path.stem,
                    driver="GPKG",
                    dataset_options=GEOPACKAGE,
                    geometry_type=kind,
                    crs=crs,
                )
            if form is not None:
                add_style(partial, path.stem, form)
        except (pyogrio.errors.DataSourceError, pyogrio.errors.GeometryError, sqlite3.Error) as error:
            raise OutputError(f"{path} cannot be written ({error}); check the folder and the disk") from error


def _column(values: Sequence[Any]) -> NDArray[Any]:
    text = any(isinstance(value, str) or value is None for value in values)
    return np.array(values, object) if text else np.asarray(values)


def _write_csv(path: Path, points: Sequence[shapely.Geometry], columns: Mapping[str, Sequence[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow([*columns, "x", "y"])
        x, y = shapely.get_x(np.array(points, object)), shapely.get_y(np.array(points, object))
        for *values, east, north in zip(*columns.values(), x.tolist(), y.tolist(), strict=True):
            rows.writerow(["" if value is None else value for value in (*values, east, north)])


def read_features(path: str | Path) -> Features:
    """Read features from a file of GDAL's vector drivers, its first layer, or from a CSV file.

    Raises:
        SampleNotFoundError: There is no such file.
        SampleError: The file cannot be read.
    """
    file = Path(path)
    if not file.is_file():
        raise SampleNotFoundError(f"no sample at {path}; give a GeoPackage or a CSV file")
    if file.suffix.lower() == ".csv":
        return _read_csv(file)
    try:
        layer = next((str(name) for name in pyogrio.list_layers(file)[:, 0] if name != "layer_styles"), None)
        meta, _, wkb, values = pyogrio.raw.read(file, layer=layer)
        geometries = shapely.from_wkb(wkb)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, shapely.errors.GEOSException) as error:
        reason = str(error).splitlines()[0]
        raise SampleError(f"{path} cannot be read as a sample ({reason}); give a GeoPackage or a CSV file") from error
    columns = {
        str(name): [None if value is None or value != value else value for value in column.tolist()]
        for name, column in zip(meta["fields"], values, strict=True)
    }
    return Features(str(path), meta["crs"] if is_on_earth(meta["crs"]) else None, geometries, columns)


def _read_csv(path: Path) -> Features:
    try:
        rows = read_csv(path, SampleError)
    except OSError as error:
        raise SampleError(f"{path} cannot be read ({error.strerror}); check the file") from error
    if not rows:
        raise SampleError(f"{path} has no rows below its header; give one row per point")
    return Features(str(path), None, None, {name: [row[name] or None for row in rows] for name in rows[0]})
