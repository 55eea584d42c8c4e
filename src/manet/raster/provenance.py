"""Where a map comes from, as tags of its rasters and attributes of its polygons."""

from collections.abc import Mapping
from pathlib import Path

from manet.raster.scene import open_dataset

NAMES = ("model", "version", "scene", "date")
"""What made a map, the version of manet, the scene's file name, and the day on which the map was begun (UTC)."""

PREFIX = "MANET_"
"""How the names of the tags begin."""


def as_tags(provenance: Mapping[str, str]) -> dict[str, str]:
    """Provenance by NAMES as the tags of a GeoTIFF."""
    return {PREFIX + name.upper(): value for name, value in provenance.items()}


def read_provenance(path: Path) -> dict[str, str]:
    """What a raster says of where it comes from, by NAMES; empty of a raster of others."""
    with open_dataset(path) as dataset:
        tags = dataset.tags()
    return {name: tags[key] for name in NAMES if (key := PREFIX + name.upper()) in tags}
