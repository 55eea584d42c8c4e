"""A publisher's files, wherever they are in a folder: unpacked, in zip archives, or in archives inside archives.

Members are never written under the name that their archive gives them, so none can leave the folder they are unpacked
to. One scene at a time is unpacked, to a folder next to the output that is removed afterwards.
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

from manet.errors import DatasetError, DatasetNotFoundError, OutputError

RASTERS = (".tif", ".tiff", ".jpg", ".png")
LARGEST_IMAGE, LARGEST_ARCHIVE = 2**31, 2**36
"""Largest sizes of an unpacked image and of an unpacked archive, bytes. The largest known image has 144 MB (Potsdam),
the largest archive 13 GB."""

DEPTH = 3
"""How deep archives may be inside archives."""

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 1
"""The bit of a member's flags that says so."""

READ_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError)


@dataclass(frozen=True)
class SourceFile:
    """An image file, on disk or in an archive."""

    folders: tuple[str, ...]
    """The folders that it is in below the source folder, outermost first; archives count, without `.zip`."""
    name: str
    path: Path
    """The path of the file itself, or of its archive."""
    member: str | None
    """Its name in the archive, None if it is a file on disk."""
    size: int
    """Bytes."""
    stamp: str
    """Stands for its content."""
    place: str
    """Where it is, in words for people."""

    @property
    def gdal_path(self) -> str:
        """The path by which GDAL reads it where it is."""
        return str(self.path) if self.member is None else f"/vsizip/{{{self.path.resolve()}}}/{self.member}"


class SourceFolder:
    """All image files in a folder, its archives and the archives inside of them. Use it as a context."""

    def __init__(self, root: Path, out: Path, nested: re.Pattern[str]) -> None:
        """Choose where to unpack; nothing is read yet.

        Args:
            root: The folder.
            out: The output, next to which archives are unpacked.
            nested: Matches the names of the archives inside archives that are unpacked.

        Raises:
            DatasetNotFoundError: There is no such folder.
        """
        if not root.is_dir():
            raise DatasetNotFoundError(
                f"no folder {root}; give the one with the publisher's archives or what they unpack to", option="source"
            )
        parent = next(folder for folder in out.absolute().parents if folder.is_dir())
        self._root, self._nested, self._unpacking = root, nested, parent / f".{out.name}.unpacking"
        self._archives: dict[Path, zipfile.ZipFile] = {}
        self._unpacked = 0

    def __enter__(self) -> Self:
        shutil.rmtree(self._unpacking, ignore_errors=True)  # left by a run that was killed
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for archive in self._archives.values():
            archive.close()
        shutil.rmtree(self._unpacking, ignore_errors=True)

    def files(self) -> Iterator[SourceFile]:
        """All files; archives inside archives are unpacked on the way.

        Raises:
            DatasetError: An archive is not whole, or has a member that no publisher's archive has.
        """
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
        """Raises DatasetError if a file cannot be unpacked; it is not unpacked for that."""
        if file.member is not None:
            _check_readable(self._archives[file.path].getinfo(file.member), file.place)

    @contextmanager
    def unpacked(self, file: SourceFile) -> Iterator[Path]:
        """A file's path on disk; for a member that of a copy with its world file, which is removed afterwards.

        Raises:
            DatasetError: The member is damaged.
            OutputError: It cannot be written.
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
                f"{place} cannot be read as a zip archive ({error}); it may be truncated: get it again, or remove it"
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
        """Unpack a member under a name of our own; its checksum is compared meanwhile."""
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
    """Raises DatasetError if a member's name leads out of the folder it is unpacked to, or if it is a link."""
    if member.is_absolute() or ".." in member.parts or re.match(r"[A-Za-z]:", info.filename):
        what = "whose name leads out of its folder"
    elif stat.S_ISLNK(info.external_attr >> 16):
        what = "that is a link"
    else:
        return
    raise DatasetError(
        f"{place} has a member {what}, '{info.filename}', which no publisher's archive has: get the archive again"
    )


def _check_readable(info: zipfile.ZipInfo, place: str) -> None:
    """Raises DatasetError if a member is too large, encrypted, or compressed in a rare way."""
    largest = LARGEST_ARCHIVE if info.filename.lower().endswith(".zip") else LARGEST_IMAGE
    if info.file_size > largest:
        raise DatasetError(
            f"{place} would unpack to {info.file_size / 1e9:.1f} GB, which no publisher's file does: get it again"
        )
    if info.flag_bits & ENCRYPTED or info.compress_type not in METHODS:
        how = "encrypted" if info.flag_bits & ENCRYPTED else "compressed in a way that cannot be read here"
        raise DatasetError(f"{place} is {how}; unpack the archive and give the folder with its contents")


def _is_litter(parts: tuple[str, ...]) -> bool:
    """Whether an operating system left this next to the files."""
    return "__MACOSX" in parts or parts[-1].startswith(".")
