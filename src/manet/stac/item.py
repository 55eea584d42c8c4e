"""What every STAC item consists of."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from manet.files import replacing
from manet.legend import Legend

STAC_VERSION = "1.1.0"

Json = dict[str, Any]


def item(
    name: str, extensions: Iterable[str], properties: Json, assets: Mapping[str, Json], geometry: Json | None, when: str
) -> Json:
    """A STAC item.

    Args:
        name: Its id.
        extensions: Addresses of the schemas of the extensions that it uses.
        properties: All but `datetime`.
        assets: The files, by a name for each.
        geometry: Where it is, GeoJSON in longitude and latitude; None if it is nowhere in particular.
        when: RFC 3339.
    """
    found: Json = {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": list(extensions),
        "id": name,
        "geometry": geometry,
    }
    if geometry is not None:
        found["bbox"] = bounds(geometry["coordinates"][0])
    return found | {"properties": {"datetime": when, **properties}, "links": [], "assets": dict(assets)}


def bounds(corners: list[list[float]]) -> list[float]:
    """West, south, east and north of a ring."""
    longitudes, latitudes = ([corner[axis] for corner in corners] for axis in (0, 1))
    return [min(longitudes), min(latitudes), max(longitudes), max(latitudes)]


def now() -> str:
    """The time now, as STAC has it."""
    return rfc3339(datetime.now(UTC))


def rfc3339(when: datetime) -> str:
    """A time as STAC has it."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def classes(legend: Legend) -> list[Json]:
    """A legend as the classification extension has it."""
    return [
        {
            "value": index,
            "name": _identifier(name),
            "description": name,
            "color_hint": "{:02X}{:02X}{:02X}".format(*rgb),
        }
        for index, (name, rgb) in enumerate(zip(legend.names, legend.colours, strict=True))
    ]


def _identifier(name: str) -> str:
    """A name of letters, digits, - and _, as the extension asks for; the description keeps the name itself."""
    return re.sub(r"[^0-9A-Za-z_-]+", "-", name).strip("-") or "class"


def write_item(item: Json, out: Path, overwrite: bool = False) -> None:
    """Write an item as JSON. Raises OutputError if `out` exists and is not to be replaced, or cannot be written."""
    with replacing(out, overwrite) as partial:
        partial.write_text(json.dumps(item, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
