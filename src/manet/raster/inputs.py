"""Many scenes in one call: files, patterns, folders, STAC items."""

import glob
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manet.errors import SceneError, SceneNotFoundError

IMAGES = (".tif", ".tiff", ".jp2", ".vrt", ".img", ".png", ".jpg", ".jpeg")
"""Endings of the files that count as images of a folder."""


LONGEST = 200
"""Bytes of a scene's name."""


@dataclass(frozen=True)
class NamedScene:
    """A scene to read, and the name that its outputs get."""

    name: str
    path: str
    """Path or address, as GDAL reads it."""


def is_collection(place: str) -> bool:
    """Whether a place may hold many scenes: a folder, a pattern or a file with STAC items."""
    return Path(place).is_dir() or Path(place).suffix in (".json", ".geojson") or _is_pattern(place)


def find_scenes(places: Sequence[str]) -> list[NamedScene]:
    """The scenes in one or several places, in the order of the places, each with its own name.

    Args:
        places: Each is an image, a pattern such as 'photos/*.tif' ("**" stands for any folders), a folder, of which all
            images are taken, or a file with a STAC item or item collection.

    Raises:
        SceneNotFoundError: A folder or pattern holds no image.
        SceneError: A STAC file cannot be read, or two scenes have the same name.
    """
    scenes = [scene for place in places for scene in _scenes(place)]
    names = [scene.name for scene in scenes]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SceneError(
            f"several scenes are called {', '.join(twice)}, so their maps would overwrite each other; "
            "map them one at a time, into different folders"
        )
    return scenes


def _scenes(place: str) -> list[NamedScene]:
    path = Path(place)
    if _is_pattern(place):
        found = sorted(glob.glob(place, recursive=True))
    elif path.is_dir():
        found = sorted(str(p) for p in path.iterdir() if p.suffix.lower() in IMAGES and not p.name.startswith("."))
    elif path.suffix in (".json", ".geojson") and path.is_file():
        return _stac_scenes(path)
    else:
        found = [place]
    if not found:
        raise SceneNotFoundError(
            f"no image in {place}; expected files that end in {', '.join(IMAGES)}, or the names of images"
        )
    return [NamedScene(Path(file).stem, file) for file in found]


def _is_pattern(place: str) -> bool:
    return any(mark in place for mark in "*?[") and not Path(place).exists() and "://" not in place


def _stac_scenes(path: Path) -> list[NamedScene]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
        items = document["features"] if document.get("type") == "FeatureCollection" else [document]
        return [NamedScene(_file_name(str(item["id"])), _href(path, item)) for item in items]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SceneError(
            f"{path} is not a STAC item or item collection ({type(error).__name__}: {error}); "
            "give one with features that have an id and assets"
        ) from error


def _file_name(name: str) -> str:
    """A name from a file as the name of files: never a path, hidden, or longer than names may be."""
    plain = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", name).strip(" .")
    return plain.encode()[:LONGEST].decode(errors="ignore") or "scene"


def _href(path: Path, item: dict[str, Any]) -> str:
    """Where an item's imagery is: its only image with the role 'data', or 'visual' if there are several."""
    images = {key: a for key, a in item["assets"].items() if str(a.get("type", "image/")).startswith("image/")}
    assets = {key: a for key, a in images.items() if "data" in a.get("roles", ["data"]) or key == "visual"}
    key = next(iter(assets)) if len(assets) == 1 else "visual"
    if key not in assets:
        raise SceneError(
            f"{path}: item {item['id']} has {len(assets)} assets with imagery ({', '.join(assets) or 'none'}); "
            "expected one with the role 'data', or one that is called 'visual'"
        )
    href = str(assets[key]["href"])
    return href if "://" in href or href.startswith("/") else str(path.parent / href)
