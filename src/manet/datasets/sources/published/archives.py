"""A publisher's files, wherever they lie under a folder: on their own, in zip archives, in archives within archives.

Members are named by their archive but never written under that name, so that none can leave the folder they are
unpacked to. What is unpacked, one scene at a time, lies in a folder beside the output and goes again.
"""

import os
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from manet.errors import DatasetError, OutputError

RASTERS = (".tif", ".tiff", ".jpg", ".png")
LARGEST_IMAGE, LARGEST_ARCHIVE = 2**31, 2**36
"""Bytes of an unpacked member. The largest known are a Potsdam image of 144 MB and an archive of 13 GB."""

DEPTH = 3
"""Of archives within archives."""

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 1
"""Bit of a member's flags."""

READ_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError)


@dataclass(frozen=True)
class SourceFile:
    """An image file, or a member of an archive that is one."""

    folders: tuple[str, ...]
    """That it lies in, below the source folder, outermost first; an archive is one, named without `.zip`."""
    name: str
    path: Path
    """Of the file itself, or of its archive."""
    member: str | None
    size: int
    stamp: str
    """Another one where the contents are others."""
    place: str
    """For people."""

    @property
    def gdal_path(self) -> str:
        """What GDAL reads it by, in place."""
        return str(self.path) if self.member is None else f"/vsizip/{{{self.path.resolve()}}}/{self.member}"


class SourceFolder:
    """All image files under a folder. Archives within archives are unpacked where `nested` finds their name."""

    def __init__(self, root: Path, out: Path, nested: re.Pattern[str]) -> None:
        """Raises DatasetError where there is no such folder."""
        if not root.is_dir():
            raise DatasetError(f"no folder {root}; give the one that holds the publisher's archives or their contents")
        parent = next(folder for folder in out.absolute().parents if folder.is_dir())
        self._root, self._nested, self._unpacking = root, nested, parent / f".{out.name}.unpacking"
        self._archives: dict[Path, zipfile.ZipFile] = {}
        self._unpacked = 0

    def __enter__(self) -> Self:
        shutil.rmtree(self._unpacking, ignore_errors=True)  # of a run that was killed
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for archive in self._archives.values():
            archive.close()
        shutil.rmtree(self._unpacking, ignore_errors=True)

    def files(self) -> Iterator[SourceFile]:
        """Raises DatasetError at an archive that is not whole, or has a member that is not as it must be."""
        for folder, _, names in sorted(os.walk(self._root)):
            inside = Path(folder).relative_to(self._root)
            for name in sorted(names):
                path = Path(folder, name)
                if name.lower().endswith(".zip"):
                    yield from self._members(path, (*inside.parts, path.stem), str(inside / name), DEPTH)
                elif name.lower().endswith(RASTERS) and not _is_litter((*inside.parts, name)):
                    state = path.stat()
                    stamp = f"{state.st_size} {state.st_mtime_ns}"
                    yield SourceFile(inside.parts, name, path, None, state.st_size, stamp, str(inside / name))

    def check(self, file: SourceFile) -> None:
        """Raises DatasetError where a file cannot be unpacked, without doing so."""
        if file.member is not None:
            _check_readable(self._archives[file.path].getinfo(file.member), file.place)

    @contextmanager
    def unpacked(self, file: SourceFile) -> Iterator[Path]:
        """A file's path on disk; of a member an unpacked copy, with its world file, that goes afterwards.

        Raises DatasetError where a member is damaged, OutputError where it cannot be written.
        """
        if file.member is None:
            yield file.path
            return
        archive = self._archives[file.path]
        copy = self._unpack(archive, archive.getinfo(file.member), file.place)
        world = copy.with_suffix(".tfw")
        try:
            if (name := str(PurePosixPath(file.member).with_suffix(".tfw"))) in archive.NameToInfo:
                self._unpack(archive, archive.getinfo(name), f"{file.path}: {name}").rename(world)
            yield copy
        finally:
            copy.unlink(missing_ok=True)
            world.unlink(missing_ok=True)

    def _members(self, path: Path, folders: tuple[str, ...], place: str, depth: int) -> Iterator[SourceFile]:
        try:
            archive = self._archives[path] = zipfile.ZipFile(path)
        except (OSError, *READ_ERRORS) as error:
            raise DatasetError(
                f"{place} cannot be read as a zip archive ({error}); it may be truncated: get it again, or take it away"
            ) from error
        for info in archive.infolist():
            member = PurePosixPath(info.filename.replace("\\", "/"))
            _check_member(info, member, place)
            inside, name, whole = (*folders, *member.parts[:-1]), member.name, f"{place}: {info.filename}"
            if info.is_dir() or _is_litter(member.parts):
                continue
            if name.lower().endswith(".zip") and depth > 1 and self._nested.search(name):
                copy = self._unpack(archive, info, whole)
                yield from self._members(copy, (*inside, member.stem), whole, depth - 1)
            elif name.lower().endswith(RASTERS):
                stamp = f"{info.file_size} {info.CRC}"
                yield SourceFile(inside, name, path, info.filename, info.file_size, stamp, whole)

    def _unpack(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, place: str) -> Path:
        """A copy under a name of ours. Its checksum is compared as it is read."""
        self._unpacked += 1
        copy = self._unpacking / f"{self._unpacked}{PurePosixPath(info.filename).suffix.lower()}"
        _check_readable(info, place)
        try:
            self._unpacking.mkdir(exist_ok=True)
            if shutil.disk_usage(self._unpacking).free < info.file_size:
                raise OutputError(f"{place} needs {info.file_size / 1e9:.1f} GB in {self._unpacking}; make room there")
            with archive.open(info) as packed, copy.open("wb") as file:
                shutil.copyfileobj(packed, file, 2**20)
        except READ_ERRORS as error:
            raise DatasetError(f"{place} is damaged ({error}); get the archive again") from error
        except OSError as error:
            raise OutputError(f"{self._unpacking} cannot be written ({error.strerror}); check the disk") from error
        return copy


def _check_member(info: zipfile.ZipInfo, member: PurePosixPath, place: str) -> None:
    """Raises DatasetError for a name that leads out of the folder it is unpacked to, and for a link."""
    if member.is_absolute() or ".." in member.parts or re.match(r"[A-Za-z]:", info.filename):
        what = "whose name leads out of its folder"
    elif stat.S_ISLNK(info.external_attr >> 16):
        what = "that is a link"
    else:
        return
    raise DatasetError(f"{place} has a member {what}, '{info.filename}', no publisher's has: get the archive again")


def _check_readable(info: zipfile.ZipInfo, place: str) -> None:
    """Raises DatasetError for a member that is too large, encrypted, or compressed in a rare way."""
    largest = LARGEST_ARCHIVE if info.filename.lower().endswith(".zip") else LARGEST_IMAGE
    if info.file_size > largest:
        raise DatasetError(
            f"{place} would unpack to {info.file_size / 1e9:.1f} GB, which no publisher's file does: get it again"
        )
    if info.flag_bits & ENCRYPTED or info.compress_type not in METHODS:
        how = "encrypted" if info.flag_bits & ENCRYPTED else "compressed in a way that cannot be read here"
        raise DatasetError(f"{place} is {how}; unpack the archive and give the folder with its contents")


def _is_litter(parts: tuple[str, ...]) -> bool:
    """What systems leave beside files."""
    return "__MACOSX" in parts or parts[-1].startswith(".")
