"""Areas from labelled blocks, and change between two dates."""

from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import rasterio

import manet
from assessment.conftest import GSD_M, label_points, read_rows, write_map
from builders import Recorded
from manet.assessment.change import classes_of_change
from manet.assessment.labelled import CHOSEN_BY_HAND
from manet.assessment.tables import all_tables
from manet.errors import OptionError, SampleError, SceneError
from manet.legend import Legend

TWO = Legend.model_validate({"classes": [{"name": n, "colour": (i, 9, 9)} for i, n in enumerate(("field", "house"))]})


def test_drawn_blocks_correct_the_mapped_areas(
    map_file: Path, labels_file: Path, mapped: np.ndarray, truth: np.ndarray, tmp_path: Path
) -> None:
    blocks = tmp_path / "blocks.gpkg"
    manet.design_sample(map_file, blocks, manet.DesignSettings(design="blocks", block=32, size=30))
    found = manet.assess_labelled(map_file, labels_file, sample=blocks)
    assert found.degrees == 29 and "random blocks of 32 x 32 pixels, 30 of 140" in found.design
    assert CHOSEN_BY_HAND not in found.notes
    meta, _, _, values = pyogrio.raw.read(blocks)
    columns = dict(zip(meta["fields"], values, strict=True))
    valid = mapped != 255
    sums = np.zeros(3)
    for row, col in zip(columns["row"], columns["col"], strict=True):
        window = slice(row, row + 32), slice(col, col + 32)
        here = valid[window]
        sums += (truth[window] == 1)[here].sum(), (mapped[window] == 1)[here].sum(), here.sum()
    by_hand = (mapped[valid] == 1).mean() + (sums[0] - sums[1]) / sums[2]
    assert found.classes[1].share.value == pytest.approx(by_hand, abs=2e-4)
    true = (truth[valid] == 1).mean()
    assert abs(found.classes[1].share.value - true) < 4 * found.classes[1].share.standard_error


def test_all_blocks_give_the_truth(map_file: Path, labels_file: Path, mapped: np.ndarray, truth: np.ndarray) -> None:
    found = manet.assess_labelled(map_file, labels_file, block=50)  # blocks at the edges are cut off
    valid = mapped != 255
    for index, c in enumerate(found.classes):
        assert c.share.value == pytest.approx((truth[valid] == index).mean(), abs=1e-4)
        assert c.share.standard_error == 0 and c.share.low == c.share.high == c.share.value
    assert found.overall.value == pytest.approx((mapped == truth)[valid].mean(), abs=1e-4)
    assert found.notes == ()


def test_labels_that_happen_to_be_there(map_file: Path, truth: np.ndarray, tmp_path: Path) -> None:
    part = np.full_like(truth, 255)
    part[:, :170] = truth[:, :170]
    path, progress = write_map(tmp_path / "part.tif", part), Recorded()
    found = manet.assess_labelled(map_file, path, block=32, progress=progress)
    assert found.units == 10 * 5  # those of columns 0 to 159 are whole
    assert CHOSEN_BY_HAND in found.notes and CHOSEN_BY_HAND in progress.lines
    with pytest.raises(SampleError, match="0 blocks of 200 x 200 pixels are fully labelled"):
        manet.assess_labelled(map_file, path, block=200)
    blocks = tmp_path / "blocks.gpkg"
    manet.design_sample(map_file, blocks, manet.DesignSettings(design="blocks", block=32, size=30))
    with pytest.raises(SampleError, match="is not fully labelled"):
        manet.assess_labelled(map_file, path, sample=blocks)
    with pytest.raises(SampleError, match="sample of blocks, not of points"):
        manet.assess(blocks, map_file)
    with pytest.raises(OptionError, match="either the size of the blocks"):
        manet.assess_labelled(map_file, path)
    with pytest.raises(SceneError, match="does not have the pixels of"):
        manet.assess_labelled(map_file, write_map(tmp_path / "small.tif", truth[:-1]), block=32)


def test_change_between_two_dates(tmp_path: Path) -> None:
    """Half of the map is field, then houses are built on a tenth of it; the later map misses some."""
    rng = np.random.default_rng(0)
    before = np.zeros((90, 120), np.uint8)
    before[:, 60:] = 1
    after = before.copy()
    after[:18, :60] = 1  # 0.1 of all ground
    after_map = np.where((after != before) & (rng.random(before.shape) < 0.3), before, after).astype(np.uint8)
    after_map[:5, :5] = 255
    first = write_map(tmp_path / "before.tif", before, TWO)
    second = write_map(tmp_path / "after.tif", after_map, TWO)
    change = tmp_path / "change.tif"
    legend = manet.write_change_map(first, second, change)
    assert legend.names == ["field to field", "field to house", "house to field", "house to house"]
    with rasterio.open(change) as raster:
        codes = raster.read(1)
    valid = after_map != 255
    np.testing.assert_array_equal(codes, np.where(valid, 2 * before + after_map, 255))
    out = tmp_path / "sample.csv"
    manet.design_sample(change, out, manet.DesignSettings(size=600, minimum=150))
    assert {row["stratum"] for row in read_rows(out)} == {"field to field", "field to house", "house to house"}
    label_points(out, 2 * before + after, legend)
    found = manet.assess(out, change)
    field, house = found.transitions
    built = found.classes[1].share
    true = ((before == 0) & (after == 1) & valid).sum() / valid.sum()
    assert abs(built.value - true) < 4 * built.standard_error and found.classes[1].mapped_share < 0.8 * true
    assert house.change.value == pytest.approx(built.value) and field.change.value == pytest.approx(-built.value)
    assert house.change.standard_error == pytest.approx(built.standard_error)
    assert house.after.value - house.before.value == pytest.approx(house.change.value)
    assert field.change.low is not None and field.change.low < field.change.value < 0
    titles = [table.title for table in all_tables(found)]
    assert any("before and after" in title for title in titles)
    (matrix,) = (table for table in all_tables(found) if table.columns[0] == "before \\ after")
    assert [row[0] for row in matrix.rows] == ["field", "house"] and "±" in matrix.rows[0][2]
    assert found.surface_m2 == pytest.approx(valid.sum() * GSD_M**2, rel=2e-3)


def test_maps_that_cannot_be_compared(map_file: Path, mapped: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="does not have the pixels of"):
        manet.write_change_map(map_file, write_map(tmp_path / "a.tif", mapped[1:]), tmp_path / "x.tif")
    other = write_map(tmp_path / "b.tif", np.minimum(mapped, 1), TWO)
    with pytest.raises(SceneError, match="give maps with one legend"):
        manet.write_change_map(map_file, other, tmp_path / "x.tif")
    many = Legend.model_validate({"classes": [{"name": f"c{i}", "colour": (i, 0, 0)} for i in range(16)]})
    path = write_map(tmp_path / "c.tif", np.zeros((4, 5), np.uint8), many)
    with pytest.raises(SceneError, match="256 transitions; expected at most 15"):
        manet.write_change_map(path, path, tmp_path / "x.tif")
    assert not (tmp_path / "x.tif").exists()


def test_names_of_transitions() -> None:
    assert classes_of_change(["a to a", "a to b to c", "b to c to a", "b to c to b to c"]) == ["a", "b to c"]
    for names in (["a", "b", "c", "d"], ["a to a", "a to b"], ["a to a", "a to b", "b to b", "b to a"]):
        assert classes_of_change(names) is None
