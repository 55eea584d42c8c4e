"""Compiled graphs in the user's cache folder, so that the next start is quick."""

import os
import shutil
from pathlib import Path

from platformdirs import user_cache_path

VARIABLE = "MANET_CACHE"
"""The environment variable that names another folder, or switches the cache off ("off")."""

LARGEST = 1 << 30
"""Bytes of the cache; graphs that were not used for longest go first."""


def cache_folder() -> Path | None:
    """Where compiled graphs are kept; None if the cache is switched off."""
    asked = os.environ.get(VARIABLE, "")
    if asked.lower() in ("off", "0", "no"):
        return None
    return Path(asked) if asked else user_cache_path("manet", appauthor=False) / "graphs"


def cache_of(digest: str) -> Path | None:
    """The folder for the graphs of this digest, made if it can be; older ones go if all take more than LARGEST."""
    folder = cache_folder()
    if folder is None or not digest:
        return None
    own = folder / digest[:16]
    try:
        own.mkdir(parents=True, exist_ok=True)
        os.utime(own)
        _prune(folder, own)
    except OSError:
        return None
    return own if os.access(own, os.W_OK) else None


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder and below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _prune(folder: Path, kept: Path) -> None:
    others = sorted((path for path in folder.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    sizes = {path: size_of(path) for path in others}
    for path in others:
        if sum(sizes.values()) <= LARGEST:
            return
        if path != kept:
            shutil.rmtree(path, ignore_errors=True)
            sizes.pop(path)
