"""A map as a STAC item: where it is, of when, its classes, and what it was made from and by."""

import os
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

from pyproj import Transformer

from manet.legend import Legend
from manet.raster.scene import Scene, open_dataset, reading
from manet.stac.item import Json, classes, item, now, rfc3339

PROJECTION = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"
CLASSIFICATION = "https://stac-extensions.github.io/classification/v2.0.0/schema.json"
PROCESSING = "https://stac-extensions.github.io/processing/v1.1.0/schema.json"
GEOTIFF = "image/tiff; application=geotiff"

EDGE = 10
"""Parts into which each edge of a map is cut, since straight edges are bent in longitude and latitude."""


def map_item(classes_file: Path, scene: str, legend: Legend, out: Path, *, model: str = "", cog: bool = False) -> Json:
    """The STAC item of a map.

    Args:
        classes_file: The map, a GeoTIFF of class indices.
        scene: The image that it was made from, as it is linked.
        legend: Its classes.
        out: Where the item is to be written; the map is linked from there.
        model: What it was made by.
        cog: Whether the map is a cloud-optimised GeoTIFF.
    """
    with Scene(classes_file) as place:
        t = place.transform
        properties: Json = {
            "title": f"Map of {Path(scene).stem}",
            "description": f"Classes of {Path(scene).name}: {', '.join(legend.names)}.",
            "created": now(),
            **({"gsd": gsd} if (gsd := place.gsd_m()) else {}),
            "proj:code": _code(place),
            "proj:shape": [place.height, place.width],
            "proj:transform": [t.a, t.b, t.c, t.d, t.e, t.f],
            "processing:level": "L4",
            "processing:software": {"manet": version("manet"), **({"model": model} if model else {})},
        }
        geometry = footprint(place)
    asset: Json = {
        "href": _relative(classes_file, out),
        "type": f"{GEOTIFF}; profile=cloud-optimized" if cog else GEOTIFF,
        "title": "class indices",
        "roles": ["data"],
        "bands": [{"name": "class", "data_type": "uint8", "nodata": 255}],
        "classification:classes": classes(legend),
    }
    extensions = [PROJECTION, CLASSIFICATION, PROCESSING]
    found = item(out.stem, extensions, properties, {"map": asset}, geometry, acquired(scene) or now())
    href = scene if "://" in scene or scene.startswith("/vsi") else _relative(Path(scene), out)
    found["links"].append({"rel": "derived_from", "href": href, "title": "imagery"})
    return found


def footprint(place: Scene) -> Json | None:
    """The outline of a raster in longitude and latitude, GeoJSON; None without a place on earth."""
    if place.crs is None or place.gsd_m() is None:
        return None
    steps = [number / EDGE for number in range(EDGE)]
    height, width = place.height, place.width
    ring = [
        *((0.0, share * width) for share in steps),
        *((share * height, float(width)) for share in steps),
        *((float(height), (1 - share) * width) for share in steps),
        *(((1 - share) * height, 0.0) for share in steps),
    ]
    t = place.transform
    eastings, northings = zip(
        *((t.a * col + t.b * row + t.c, t.d * col + t.e * row + t.f) for row, col in ring), strict=True
    )
    to_degrees = Transformer.from_crs(place.crs.to_wkt(), "EPSG:4326", always_xy=True)
    longitudes, latitudes = to_degrees.transform(eastings, northings)
    corners = [[round(x, 8), round(y, 8)] for x, y in zip(longitudes, latitudes, strict=True)]
    closed = [*corners, corners[0]]
    if sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(closed)) < 0:
        closed.reverse()  # GeoJSON goes round counterclockwise
    return {"type": "Polygon", "coordinates": [closed]}


def acquired(scene: str) -> str | None:
    """When an image was taken, if its file says so, as STAC has it."""
    with reading(scene), open_dataset(scene) as dataset:
        text = dataset.tags().get("TIFFTAG_DATETIME", "")
    try:
        return rfc3339(datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC))
    except ValueError:
        return None


def _code(place: Scene) -> str | None:
    """The authority and code of a CRS; None if it has none."""
    authority = place.crs.to_authority() if place.crs else None
    return ":".join(authority) if authority else None


def _relative(path: Path, out: Path) -> str:
    return Path(os.path.relpath(path.resolve(), out.resolve().parent)).as_posix()
