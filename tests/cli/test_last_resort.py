"""Errors that nobody foresaw are one line, and what a report needs is in a file."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyogrio.errors
import pytest

from builders import Run, one_line, write_scene
from manet.cli import last_resort


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (PermissionError(13, "Permission denied", "map.tif"), 2, "map.tif: Permission denied"),
        (OSError(28, "No space left on device"), 2, "No space left on device; check"),
        (pyogrio.errors.DataSourceError("disk I/O error\nmore"), 2, "GDAL failed (disk I/O error); check"),
        (MemoryError(), 2, "out of memory: give a smaller --window"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), 2, "out of memory"),
        (UnicodeEncodeError("ascii", "Geb\u00e4ude", 3, 4, "no"), 2, "LC_ALL=C.UTF-8"),
    ],
)
def test_known_kinds_say_what_to_do(
    error: Exception, status: int, words: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("manet.cli.app", fail)
    found, _, told = run("models")
    assert found == status and words in one_line(told)


def test_the_traceback_goes_to_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    try:
        raise ZeroDivisionError("no such number\nsecond line")
    except ZeroDivisionError as error:
        message, status = last_resort.explain(error)
    (file,) = tmp_path.iterdir()
    assert status == 1 and "\n" not in message and str(file) in message
    assert "unforeseen ZeroDivisionError (no such number); this is a fault of manet" in message
    assert "raise ZeroDivisionError" in file.read_text() and file.read_text().startswith("manet ")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    assert "could not be written" in last_resort.explain(ZeroDivisionError())[0]


def test_tests_fail_where_it_is_needed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("manet.cli.app", fail)
    with pytest.raises(AssertionError, match="last resort"):
        run("models")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end in another way there")
def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m manet recipes | true"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert ended.stderr == ""


def test_brackets_in_names_are_printed(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "north [red] :smile: [bold"
    folder.mkdir()
    scene = write_scene(folder / "a.tif", np.random.default_rng(0).integers(1, 255, (3, 64, 64), dtype=np.uint8))
    status, text, error = run("predict", checkpoint, scene, "--out", folder / "m.tif", "--device", "cpu")
    assert status == 0 and str(folder / "m.tif") in text + error
    status, _, error = run("predict", checkpoint, folder / "none.tif", "--out", folder / "n.tif")
    assert status == 2 and str(folder / "none.tif") in one_line(error)
