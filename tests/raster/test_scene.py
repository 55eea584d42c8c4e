"""Windows count from where they should, and what is missing is a missing file in Python's sense too."""

from pathlib import Path

import pytest

from manet.errors import DatasetError, DatasetNotFoundError, SceneError, SceneNotFoundError
from manet.raster.inputs import find_scenes
from manet.raster.label_raster import LabelRaster
from manet.raster.scene import Scene
from manet.raster.vectors import read_polygon_file
from manet.raster.windows import Window, tiles


def test_windows_count_from_other_windows() -> None:
    outer, inner = Window(16, 24, 40, 60), Window(20, 30, 8, 9)
    assert inner.within(outer) == Window(4, 6, 8, 9)
    assert inner.within(outer).moved(outer.row, outer.col) == inner
    assert [tile.slices for tile in tiles(3, 5, 4)] == [
        (slice(0, 3), slice(0, 4)),
        (slice(0, 3), slice(4, 5)),
    ]


def test_what_is_missing_is_a_missing_file(tmp_path: Path) -> None:
    for read in (Scene, LabelRaster, lambda path: find_scenes([str(path.parent / "*.tif")])):
        with pytest.raises(SceneNotFoundError):
            read(tmp_path / "none.tif")
    with pytest.raises(DatasetNotFoundError) as missing:
        read_polygon_file(tmp_path / "none.gpkg")
    assert isinstance(missing.value, FileNotFoundError) and isinstance(missing.value, DatasetError)
    with pytest.raises(SceneError) as folder:
        Scene(tmp_path)
    assert not isinstance(folder.value, FileNotFoundError)
