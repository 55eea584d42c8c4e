"""Many scenes at once: files, patterns, folders, STAC items."""

import glob
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manet.errors import SceneError

IMAGES = (".tif", ".tiff", ".jp2", ".vrt", ".img", ".png", ".jpg", ".jpeg")
"""What is taken of a folder."""


@dataclass(frozen=True)
class NamedScene:
    """What to read, and what to call its outputs."""

    name: str
    path: str


def is_collection(place: str) -> bool:
    """Whether a place may stand for many scenes."""
    return Path(place).is_dir() or Path(place).suffix in (".json", ".geojson") or _is_pattern(place)


def find_scenes(places: Sequence[str]) -> list[NamedScene]:
    """The scenes that places stand for, in their order, each with a name of its own.

    A place is an image, a pattern such as 'photos/*.tif' (** for folders in folders), a folder whose images are meant,
    or a file with a STAC item or item collection. Raises SceneError where one holds no scene, and where two scenes
    would have the same name.
    """
    scenes = [scene for place in places for scene in _scenes(place)]
    names = [scene.name for scene in scenes]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SceneError(
            f"several scenes are called {', '.join(twice)}, so their maps would overwrite each other; "
            "predict them in separate commands"
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
        raise SceneError(f"no image in {place}; expected files that end in {', '.join(IMAGES)}, or give their names")
    return [NamedScene(Path(file).stem, file) for file in found]


def _is_pattern(place: str) -> bool:
    return any(mark in place for mark in "*?[") and not Path(place).exists() and "://" not in place


def _stac_scenes(path: Path) -> list[NamedScene]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        items = document["features"] if document.get("type") == "FeatureCollection" else [document]
        return [NamedScene(str(item["id"]), _href(path, item)) for item in items]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SceneError(
            f"{path} is no STAC item or item collection ({type(error).__name__}: {error}); "
            "give one with features that have an id and assets"
        ) from error


def _href(path: Path, item: dict[str, Any]) -> str:
    """Where the imagery of an item is: its one asset of images with the role 'data', 'visual' if there are several."""
    images = {key: a for key, a in item["assets"].items() if str(a.get("type", "image/")).startswith("image/")}
    assets = {key: a for key, a in images.items() if "data" in a.get("roles", ["data"]) or key == "visual"}
    key = next(iter(assets)) if len(assets) == 1 else "visual"
    if key not in assets:
        raise SceneError(
            f"{path}: item {item['id']} has {len(assets)} assets of imagery ({', '.join(assets) or 'none'}); "
            "expected one with the role data, or one called visual"
        )
    href = str(assets[key]["href"])
    return href if "://" in href or href.startswith("/") else str(path.parent / href)
