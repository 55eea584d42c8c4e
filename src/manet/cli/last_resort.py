"""What the command line says of errors that no part of it foresaw: one line, and a file with the rest."""

import os
import platform
import shlex
import sys
import tempfile
import time
import traceback
from importlib.metadata import version
from pathlib import Path

GDALS = ("pyogrio", "rasterio")
"""Packages whose errors are GDAL's, such as those of a disk that is full."""

MEMORY_WORDS = ("out of memory", "can't allocate memory", "bad allocation", "bad_alloc")
"""What runtimes say where they have no type of error for it."""


def explain(error: Exception) -> tuple[str, int]:
    """An error as one line, and the exit status: 2 where its kind is known, else 1."""
    if isinstance(error, UnicodeEncodeError):
        return f"the locale cannot write {error.object!r}; set one with UTF-8, such as LC_ALL=C.UTF-8", 2
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error or type(error).__name__}; check the path, its rights and the disk", 2
    if type(error).__module__.partition(".")[0] in GDALS:
        return f"GDAL failed ({_first_line(error)}); check the file, its rights and the disk", 2
    if isinstance(error, MemoryError) or any(word in str(error).lower() for word in MEMORY_WORDS):
        return (
            "out of memory: give a smaller --window, with scene context less --memory, in training a smaller "
            "patches.batch; or close other programs",
            2,
        )
    return f"{summary(error)}; this is a fault of manet: {keep_traceback(error)}", 1


def summary(error: Exception) -> str:
    """The type of an error and the first line of what it says."""
    line = _first_line(error)
    return f"unforeseen {type(error).__name__}" + (f" ({line})" if line else "")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]


def keep_traceback(error: Exception) -> str:
    """Write down what a report of the fault needs, and say where that is. Tests fail when this is called."""
    told = (
        f"manet {version('manet')}, Python {platform.python_version()}, {platform.platform()}\n"
        f"{shlex.join(sys.argv)}\n\n{''.join(traceback.format_exception(error))}"
    )
    path = Path(tempfile.gettempdir()) / f"manet-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    try:
        path.write_text(told, encoding="utf-8", errors="backslashreplace")
    except OSError as reason:
        return f"its traceback could not be written to {path} ({reason.strerror})"
    return f"please report it with the file {path}"
