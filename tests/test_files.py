"""Files under temporary names: what killed processes leave goes, what others are writing stays."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from manet import files
from manet.errors import OutputError
from manet.files import remove_leftovers, replacing, staging


def dead() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell which processes run")
def test_only_what_dead_processes_of_this_machine_left_is_removed(tmp_path: Path) -> None:
    gone, here = dead(), files._machine()
    left = [f".map.tif.partial-{here}-{gone}.tif", f".old.tif.partial-{gone}.tif", f".out.partial-{here}-{gone}"]
    kept = [f".map.tif.partial-{here}-{os.getppid()}.tif", f".map.tif.partial-0123abcd-{gone}.tif", ".partial-notes"]
    for name in (*left[:2], *kept):
        (tmp_path / name).touch()
    (tmp_path / left[2]).mkdir()
    (tmp_path / left[2] / "half").touch()
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(kept)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell which processes run")
@pytest.mark.parametrize("writing", [replacing, staging])
def test_the_first_output_in_a_folder_sweeps_it(writing: type, tmp_path: Path) -> None:
    (tmp_path / f".a.tif.partial-{files._machine()}-{dead()}.tif").touch()
    with writing(tmp_path / "b.tif") as partial:
        assert partial.name.startswith(".b.tif.partial-") and [*tmp_path.glob(".a*")] == []
        if writing is replacing:
            partial.touch()


def test_long_names(tmp_path: Path) -> None:
    for length in (120, 236):
        with replacing(tmp_path / ("\u00fc" * (length // 2) + ".tif")) as partial:
            partial.write_bytes(b"whole")
    assert sorted(len(path.name) for path in tmp_path.iterdir()) == [64, 122]
    with (
        pytest.raises(OutputError, match="has 304 bytes, expected 240 at most"),
        replacing(tmp_path / ("m" * 300 + ".tif")),
    ):
        pass
