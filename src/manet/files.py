"""Files: written under a temporary name and renamed when whole; checksums, TOML, the nearest of several names."""

import difflib
import hashlib
import os
import platform
import shutil
import sys
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from manet.errors import ManetError, OutputError

MARK = ".partial-"
"""What temporary names have in them."""

MOST = 240
"""Bytes of an output's name: file systems allow 255, and files beside it have longer ones."""

LONGEST, SHORT = 200, 20
"""Bytes of a name that temporary names keep; letters of an ending that they keep."""


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raises OutputError where something is there already, or where nothing can be written."""
    if len(os.fsencode(path.name)) > MOST:
        raise OutputError(
            f"the name {path.name[:30]}... has {len(os.fsencode(path.name))} bytes, expected {MOST} at most, as file "
            "systems allow; give a shorter name"
        )
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already; give another name, or allow it to be replaced", option="overwrite")
    folder = next(parent for parent in (path.parent, *path.parent.parents) if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise OutputError(f"{folder} cannot be written to; choose a folder that can")


def refuse_inputs(outputs: Iterable[Path], inputs: Iterable[str | Path]) -> None:
    """Raises OutputError where an output is a file that is read, under whatever name: the input would be lost."""
    read = {identity: str(path) for path in inputs if (identity := _identity(Path(path))) is not None}
    for path in outputs:
        if (identity := _identity(path)) in read:
            raise OutputError(f"the output {path} is the input {read[identity]}; give the output another name")


def _identity(path: Path) -> tuple[int, int] | None:
    """What is the same for all names of a file; None where there is none."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino


@contextmanager
def replacing(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """A temporary name beside `path`; what was written there takes the name `path` if nothing fails, else it goes.

    Raises:
        OutputError: `path` exists and is not to be overwritten, or it cannot be written.
    """
    refuse_existing(path, overwrite)
    partial = path.with_name(f"{_partial(path)}{path.suffix if len(path.suffix) < SHORT else ''}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep_once(path.parent)
        yield partial
        os.replace(partial, path)
    except ManetError:
        raise
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error}); check the folder and the disk"
        ) from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def staging(out: Path) -> Iterator[Path]:
    """A temporary folder beside `out`, for files that go there once nothing has failed; it goes in any case.

    Raises:
        OutputError: One of them cannot be written.
    """
    partial = out.with_name(_partial(out))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _sweep_once(out.parent)
        partial.mkdir(parents=True)
        yield partial
    except ManetError:
        raise
    except OSError as error:
        raise OutputError(
            f"{out} cannot be written ({error.strerror or error}); check the folder and the disk"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what processes that were killed on this machine left in a folder under temporary names."""
    for left in folder.glob(f".*{MARK}*"):
        machine, _, process = left.name.rpartition(MARK)[2].partition(".")[0].rpartition("-")
        if machine in ("", _machine()) and process.isdecimal() and not _is_running(int(process)):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def _sweep_once(folder: Path) -> None:
    """Remove leftovers when a process first writes to a folder, which may hold thousands of files."""
    if (key := folder.resolve()) not in _swept:
        _swept.add(key)
        remove_leftovers(folder)


_swept: set[Path] = set()


def _partial(path: Path) -> str:
    """The temporary name beside a path: of this process on this machine, no longer than names may be."""
    name = path.name if len(os.fsencode(path.name)) <= LONGEST else hashlib.sha256(os.fsencode(path.name)).hexdigest()
    return f".{name}{MARK}{_machine()}-{os.getpid()}"


@cache
def _machine() -> str:
    """This machine's name, short and without special characters; a folder may be shared by several."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _is_running(process: int) -> bool:
    """Whether there is a process of this number; Windows does not tell, and does not remove what is in use."""
    if sys.platform == "win32":
        return process == os.getpid()
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_toml(path: Path | Traversable, error: type[ManetError]) -> dict[str, Any]:
    """The content of a TOML file.

    Args:
        path: File, UTF-8.
        error: What is raised where the file is no TOML.

    Raises:
        OSError: The file cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as reason:
        raise error(f"{path} is not TOML ({reason}); correct it there") from reason


def choices(name: str, known: Iterable[str]) -> str:
    """The names that there are, and which of them is nearest to one that is not among them: for error messages."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
    return ", ".join(names) + (f" (nearest: {near[0]})" if near else "") if names else "none"
