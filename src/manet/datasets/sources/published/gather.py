"""Which files of a published dataset are there, which are missing, and which are there twice."""

import zlib
from collections import defaultdict
from pathlib import Path

from manet.datasets.sources.published.archives import SourceFile, SourceFolder
from manet.datasets.sources.published.publication import NAMES, Publication, Role
from manet.errors import DatasetError, DatasetNotFoundError
from manet.progress import Progress
from manet.raster.scene import Scene
from manet.raster.windows import tiles

Found = dict[str, dict[Role, SourceFile]]
"""The files of each scene by their roles."""


def gather(publication: Publication, folder: SourceFolder, source: Path, progress: Progress) -> Found:
    """Find the files of a dataset.

    Args:
        publication: What the dataset consists of.
        folder: All files there are.
        source: The folder's name in messages.
        progress: Told of files that are there more than once.

    Raises:
        DatasetNotFoundError: There is no file of the dataset.
        DatasetError: A file cannot be unpacked, or two files of one scene and role differ.
    """
    candidates: dict[tuple[Role, str], list[SourceFile]] = defaultdict(list)
    for file in folder.files():
        known = publication.recognise(file)
        if known and known[0] in publication.archives and known[1] in publication.scenes:
            folder.check(file)
            candidates[known].append(file)
    if not candidates:
        raise DatasetNotFoundError(
            f"{source} holds nothing of {publication.name}; expected {'; '.join(publication.archives.values())}, as "
            "archives or unpacked: give the folder that they are in",
            option="source",
        )
    found, twice = defaultdict[str, dict[Role, SourceFile]](dict), 0
    for (role, name), files in candidates.items():
        first, *others = sorted(files, key=lambda file: file.member is not None)  # unpacked files are read faster
        for other in others:
            if not _alike(folder, first, other):
                raise DatasetError(
                    f"{first.place} and {other.place} are both {NAMES[role]} of scene {name}, and differ; remove one"
                )
        found[name][role] = first
        twice += bool(others)
    if twice:
        progress.note(f"files that are there more than once, with the same content: {twice}")
    return found


def _alike(folder: SourceFolder, one: SourceFile, other: SourceFile) -> bool:
    """Whether two files hold the same bytes, or at least the same pixels."""
    with folder.unpacked(one) as first, folder.unpacked(other) as second:
        if one.size == other.size and _checksum(first) == _checksum(second):
            return True
        with Scene(first, alpha=False) as a, Scene(second, alpha=False) as b:
            return (a.height, a.width, a.bands, a.dtype) == (b.height, b.width, b.bands, b.dtype) and all(
                bool((a.read(window)[0] == b.read(window)[0]).all()) for window in tiles(a.height, a.width)
            )


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while block := file.read(2**20):
            checksum = zlib.crc32(block, checksum)
    return checksum


def whole_scenes(publication: Publication, found: Found, incomplete: bool, progress: Progress) -> list[str]:
    """The scenes that have all their files.

    Args:
        publication: What the dataset consists of.
        found: The files that are there.
        incomplete: Whether scenes that lack files are left out; otherwise they are an error.
        progress: Told what was found and what is left out.

    Raises:
        DatasetNotFoundError: Scenes lack files, or no scene of the train split has all of them.
    """
    counts: dict[Role, int] = {role: sum(role in files for files in found.values()) for role in publication.archives}
    progress.note("found: " + ", ".join(f"{NAMES[role]} of {count} scenes" for role, count in counts.items()))
    if counts.get("eroded") == 0:
        progress.note(f"no labels with eroded boundaries ({publication.archives['eroded']}), so no scores on them")
    missing: dict[Role, list[str]] = defaultdict(list)
    for name, split in publication.scenes.items():
        for role in publication.archives:
            needed = publication.needs(role, split) and (role != "eroded" or counts[role])
            if needed and role not in found.get(name, {}):
                missing[role].append(name)
    lacking = {name for names in missing.values() for name in names}
    whole = [name for name in publication.scenes if name not in lacking]
    if missing:
        listed = "; ".join(
            f"{NAMES[role]} of {len(names)} ({_listed(names)}), from {publication.archives[role]}"
            for role, names in missing.items()
        )
        usable = f"{len(whole)} of {len(publication.scenes)} scenes of {publication.name} are complete"
        if not incomplete:
            raise DatasetNotFoundError(
                f"{usable}; missing are {listed}: add them, or prepare only the complete scenes", option="incomplete"
            )
        if not any(publication.scenes[name] == "train" for name in whole):
            raise DatasetNotFoundError(f"{usable}, none of the train split; missing are {listed}: add them")
        progress.note(f"{usable}, the others are left out: missing are {listed}")
    return whole


def _listed(names: list[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
