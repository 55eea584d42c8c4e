"""Which files of a dataset are there: what is missing, what is there twice."""

import zlib
from collections import defaultdict
from pathlib import Path

from manet.datasets.prepare import Progress
from manet.datasets.sources.published.archives import SourceFile, SourceFolder
from manet.datasets.sources.published.publication import NAMES, Publication, Role
from manet.errors import DatasetError
from manet.raster.scene import Scene
from manet.raster.windows import tiles

Found = dict[str, dict[Role, SourceFile]]
"""By scene."""


def gather(publication: Publication, folder: SourceFolder, source: Path, progress: Progress) -> Found:
    """Raises DatasetError where there is nothing, a file cannot be unpacked, or two of one role and scene differ."""
    candidates: dict[tuple[Role, str], list[SourceFile]] = defaultdict(list)
    for file in folder.files():
        known = publication.recognise(file)
        if known and known[0] in publication.archives and known[1] in publication.scenes:
            folder.check(file)
            candidates[known].append(file)
    if not candidates:
        raise DatasetError(
            f"{source} holds nothing of {publication.name}; expected {'; '.join(publication.archives.values())}, as "
            "archives or unpacked: give the folder that they lie in"
        )
    found, twice = defaultdict[str, dict[Role, SourceFile]](dict), 0
    for (role, name), files in candidates.items():
        first, *others = sorted(files, key=lambda file: file.member is not None)  # what is unpacked is read faster
        for other in others:
            if not _alike(folder, first, other):
                raise DatasetError(
                    f"{first.place} and {other.place} are both {NAMES[role]} of scene {name}, and differ; take one away"
                )
        found[name][role] = first
        twice += bool(others)
    if twice:
        progress(f"{twice} files are there more than once, all alike")
    return found


def _alike(folder: SourceFolder, one: SourceFile, other: SourceFile) -> bool:
    """Whether two files hold the same bytes, or else the same pixels."""
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
    """The scenes that have all their files. Raises DatasetError where some have not, or where none is to train on."""
    counts: dict[Role, int] = {role: sum(role in files for files in found.values()) for role in publication.archives}
    progress("found: " + ", ".join(f"{NAMES[role]} of {count} scenes" for role, count in counts.items()))
    if counts.get("eroded") == 0:
        progress(f"no labels with eroded boundaries ({publication.archives['eroded']}); scores on them need them")
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
        usable = f"{len(whole)} of {len(publication.scenes)} scenes of {publication.name} are whole"
        if not incomplete or not any(publication.scenes[name] == "train" for name in whole):
            alone = "or prepare the whole ones alone with --incomplete"
            advice = "add those of the train split at least" if incomplete else f"add them, {alone}"
            raise DatasetError(f"{usable}; missing are {listed}: {advice}")
        progress(f"{usable}, the others are left out: missing are {listed}")
    return whole


def _listed(names: list[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
