"""Dubai: parts join to tiles, mask colours to classes, tiles to splits; on a miniature, and on the dataset itself."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from manet.datasets.sources import dubai, prepare_source
from manet.errors import DatasetError, DatasetNotFoundError, OptionError
from manet.legend import IGNORED
from manet.raster.label_raster import LabelRaster
from manet.raster.scene import Scene

ROWS, COLUMNS = (20, 21, 20), (33, 32, 33)
"""Heights and widths of the parts: they differ by a pixel, as the publisher's do."""

CODES = np.array([*dubai.LEGEND.legend.colours, (0x9B, 0x9B, 0x9B), (0, 0, 0)], np.uint8)
CLASSES = np.array([0, 1, 2, 3, 4, IGNORED, IGNORED], np.uint8)


def whole(tile: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Image (height, width, 3) and codes (height, width) of a tile; smooth, for JPEG to keep them."""
    rows, columns = np.mgrid[: sum(ROWS), : sum(COLUMNS)]
    image = np.stack([rows * 2, columns * 2, np.full_like(rows, 20 * tile)], axis=2).astype(np.uint8)
    return image, np.random.default_rng(tile).integers(0, len(CODES), rows.shape)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "dubai" / dubai.FOLDER
    tops, lefts = np.cumsum([0, *ROWS]), np.cumsum([0, *COLUMNS])
    for tile in range(1, 9):
        image, codes = whole(tile)
        for what in ("images", "masks"):
            (root / f"Tile {tile}" / what).mkdir(parents=True)
        for part in range(9):
            row, col = divmod(part, 3)
            place = slice(tops[row], tops[row + 1]), slice(lefts[col], lefts[col + 1])
            Image.fromarray(image[place]).save(root / f"Tile {tile}/images/image_part_{part + 1:03}.jpg", quality=100)
            if tile in (2, 4):
                mask = Image.fromarray(codes[place].astype(np.uint8)).convert("P")
                mask.putpalette(np.concatenate([CODES, np.zeros((249, 3), np.uint8)]).ravel().tolist())
            else:
                mask = Image.fromarray(CODES[codes[place]])
            mask.save(root / f"Tile {tile}/masks/image_part_{part + 1:03}.png")
    (root / "classes.json").write_text("{}")
    return tmp_path


def test_parts_join_and_colours_become_classes(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    manifest = prepare_source("dubai", out, source)
    assert manifest.legend.names == ["building", "land", "road", "vegetation", "water"]
    assert manifest.legend.foreground == [0, 1, 2, 3, 4]
    assert manifest.gsd_m is None
    assert [scene.name for scene in manifest.scenes] == [f"tile_{tile}" for tile in range(1, 9)]
    assert [area.scene for area in manifest.splits["train"]] == [f"tile_{tile}" for tile in (1, 2, 4, 5, 6, 7)]
    assert [area.scene for area in (*manifest.splits["validation"], *manifest.splits["test"])] == ["tile_3", "tile_8"]
    for tile in range(1, 9):
        image, codes = whole(tile)
        with Scene(out / f"images/tile_{tile}.tif") as scene, Scene(out / f"labels/tile_{tile}.tif") as labels:
            assert (scene.height, scene.width) == image.shape[:2]
            difference = np.moveaxis(scene.read(scene.window)[0], 0, 2).astype(int) - image
            assert abs(difference).max() < 12
            assert abs(difference).mean() < 1.5
            assert (labels.read(labels.window)[0][0] == CLASSES[codes]).all()


def test_any_of_its_folders_can_be_given(source: Path, tmp_path: Path) -> None:
    for index, folder in enumerate((source / "dubai", source / "dubai" / dubai.FOLDER)):
        assert prepare_source("dubai", tmp_path / str(index), folder).dataset == "dubai"


def test_what_is_not_whole_is_refused(source: Path, tmp_path: Path) -> None:
    tile, out = source / "dubai" / dubai.FOLDER / "Tile 3", tmp_path / "out"

    def refused(error: type[DatasetError] = DatasetError, folder: Path = source) -> str:
        with pytest.raises(error) as info:
            prepare_source("dubai", out, folder)
        assert "\n" not in str(info.value)
        assert not out.exists()
        return str(info.value)

    with pytest.raises(OptionError) as info:
        prepare_source("dubai", out)
    assert info.value.option == "source"
    assert "Tile 1" in refused(DatasetNotFoundError, tile)
    mask = tile / "masks/image_part_005.png"
    picture = np.asarray(Image.open(mask)).copy()
    picture[3, 4:6] = (0x3C, 0x10, 0x99)  # nearly a building
    Image.fromarray(picture).save(mask)
    message = refused()
    assert "3C1099" in message and "2 pixels" in message and "row 3, column 4" in message
    Image.fromarray(picture[:, 1:]).save(mask)
    assert "expected 21 x 32" in refused()
    mask.unlink()
    assert "image_part_005.png is missing" in refused(DatasetNotFoundError)


def test_the_publishers_masks_hold_the_stated_shares(mirror: Path) -> None:
    """Tile 2, which has palette masks and parts of two widths: 12 building, 60 land, 13 road, 6 vegetation, 7 water."""
    folder = mirror / "dubai" / dubai.FOLDER
    if not folder.is_dir():
        pytest.skip("the Dubai dataset beside the repository is absent")
    images, labels = (
        dubai._join(folder / "Tile 2" / what, suffix) for what, suffix in (("images", ".jpg"), ("masks", ".png"))
    )
    assert (images.height, images.width) == (labels.height, labels.width) == (1632, 1528)
    counts = np.zeros(256, np.int64)
    for window, path in labels.files:
        with LabelRaster(path) as raster:
            assert raster.has_palette
            assert (raster.height, raster.width) == (window.height, window.width)
        counts += np.bincount(dubai._classes(path).ravel(), minlength=256)
    shares = 100 * counts[:5] / counts.sum()
    assert shares == pytest.approx([12, 60, 13, 6, 7], abs=0.6)
    assert counts[5:IGNORED].sum() == 0


@pytest.mark.slow
def test_the_whole_dataset(mirror: Path, tmp_path: Path) -> None:
    if not (mirror / "dubai").is_dir():
        pytest.skip("the Dubai dataset beside the repository is absent")
    manifest = prepare_source("dubai", tmp_path / "out", mirror)
    shares = {split: 100 * np.array(counts) / sum(counts) for split, counts in manifest.pixels.items()}
    assert shares["test"] == pytest.approx([21, 46, 12, 15, 6], abs=0.6)
    assert shares["validation"] == pytest.approx([3, 47, 8, 4, 38], abs=0.6)
    assert sum(scene.height * scene.width for scene in manifest.scenes) == pytest.approx(99e6, rel=0.01)
