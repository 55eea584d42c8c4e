"""Files of our own that are damaged, or that someone edited, are one line that names them."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from builders import card
from manet.card import Card
from manet.errors import ManetError, OutputError, SceneError, TrainingError
from manet.prediction.resume import Journal, Strips
from manet.prediction.summary_tree import SummaryFile, SummaryTree
from manet.raster.windows import Window
from manet.raster.writer import read_category_names
from manet.run_folder import read_log
from manet.wrong_values import explain

BROKEN = [b"", b"{", b"[]", b"\xff\xfe\x00", b'{"chosen": 3, "settings": {}}', b'{"chosen": {}}', b"[" * 100_000]


def one_error(error: ManetError, path: Path) -> None:
    assert str(path) in str(error) and "is damaged" in str(error) and "\n" not in str(error)


@pytest.mark.parametrize("content", BROKEN)
def test_a_journal(content: bytes, tmp_path: Path) -> None:
    folder = tmp_path / ".map.tif.unfinished"
    folder.mkdir()
    (folder / "journal.json").write_bytes(content)
    with pytest.raises(OutputError) as error:
        Journal(tmp_path / "map.tif", {"window": 64})
    one_error(error.value, folder / "journal.json")
    assert error.value.option == "restart"
    assert Journal(tmp_path / "map.tif", {"window": 64}, restart=True).strips.finished == 0


def test_strips(tmp_path: Path) -> None:
    strips = Strips(tmp_path)
    strips.write(0, [(Window(0, 0, 8, 8), np.random.default_rng(0).integers(0, 9, (1, 8, 8)).astype(np.uint8))])
    path = tmp_path / "strip-000000.zip"
    whole = path.read_bytes()
    strips.check_cover(8, 8)
    for content in (whole[:-9], b"PK", whole[:30] + bytes(20) + whole[50:]):
        path.write_bytes(content)
        with pytest.raises(OutputError) as error:
            strips.check_cover(8, 8)
            list(strips.blocks(8, 8, slice(0, 1)))
        one_error(error.value, path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../x", b"")
    with pytest.raises(OutputError):
        strips.check_cover(8, 8)


@pytest.mark.parametrize("content", [b"", b"PK", b"\x93NUMPY"])
def test_sums(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "sums.npz").write_bytes(content)
    with pytest.raises(OutputError) as error:
        SummaryFile(tmp_path / "sums.npz").load(SummaryTree(None))  # type: ignore[arg-type]
    one_error(error.value, tmp_path / "sums.npz")


@pytest.mark.parametrize("rows", ["x,y\n1,2\n", "epoch,step,seconds\none,2,3\n", "epoch,step,seconds\n1\n", "\x00"])
def test_a_log(rows: str, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(rows)
    if rows == "\x00":
        (tmp_path / "log.csv").write_bytes(b"epoch\n\xff")
    with pytest.raises(TrainingError) as error:
        read_log(tmp_path / "log.csv")
    one_error(error.value, tmp_path / "log.csv")


def test_the_names_of_classes(tmp_path: Path) -> None:
    (tmp_path / "map.tif.aux.xml").write_text("<PAMDataset><Category>")
    with pytest.raises(SceneError) as error:
        read_category_names(tmp_path / "map.tif")
    one_error(error.value, tmp_path / "map.tif.aux.xml")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"band_std": (30.0, 0.0, 30.0)}, "band_std"),
        ({"band_std": (30.0, 30.0)}, "band_std has 2 values for 3 bands"),
        ({"band_mean": (1.0, float("inf"), 1.0)}, "band_mean"),
        ({"gsd_m": -0.3}, "gsd_m"),
        ({"gsd_m": 0.0}, "gsd_m"),
        ({"training_size": 0}, "training_size"),
        ({"halo": -32}, "halo"),
        ({"dtype": "pictures"}, "dtype is 'pictures'"),
        ({"bands": ()}, "bands"),
    ],
)
def test_a_card_of_senseless_values(changes: dict[str, Any], words: str) -> None:
    values = json.loads(card().model_dump_json()) | changes
    with pytest.raises(ValidationError) as error:
        Card.model_validate(values)
    assert words in explain(error.value, Card)
