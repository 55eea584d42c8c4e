"""Splits of your own scenes: by file, by blocks, or as given.

A given split is a TOML file, or a CSV file whose columns have the same names. An area without rows or columns has all
those of its scene; a scene is called like its image, without the ending:

    [[areas]]
    split = "train"                 # train, validation or test
    scene = "north"
    row = 0                         # first row and column, height and width, in pixels
    col = 0
    height = 2048
    width = 3072
"""

import random
import unicodedata
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from manet.csv_rows import read_csv
from manet.datasets.manifest import SPLITS, Area, Split
from manet.errors import DatasetError, DatasetNotFoundError
from manet.files import read_toml
from manet.raster.windows import Window
from manet.wrong_values import explain

Splits = dict[Split, tuple[Area, ...]]
SHARES: dict[Split, float] = {"train": 0.70, "validation": 0.15, "test": 0.15}
BLOCK_SIZES = (2048, 1024, 512, 256, 128, 64)
ENOUGH_BLOCKS = 20
"""Blocks are as large as possible if there are at least so many of them."""


class GivenArea(BaseModel):
    """An area as a split file lists it; see above."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: Split
    scene: str
    row: int = 0
    col: int = 0
    height: int | None = None
    width: int | None = None


class _GivenSplits(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    areas: tuple[GivenArea, ...]


def by_file(scenes: dict[str, Window], seed: int) -> Splits:
    """Deal whole scenes to the splits at random.

    Args:
        scenes: The windows of whole scenes, by name.
        seed: The same seed gives the same splits.

    Raises:
        DatasetError: There are fewer than three scenes.
    """
    if len(scenes) < len(SPLITS):
        raise DatasetError(
            f"too few images to split by file: got {len(scenes)}, expected at least {len(SPLITS)}; split by blocks",
            option="split",
        )
    return deal([_area(name, whole) for name, whole in scenes.items()], seed)


def blocks(scenes: dict[str, Window]) -> list[Area]:
    """Cut scenes into blocks of about equal size.

    Args:
        scenes: The windows of whole scenes, by name.

    Raises:
        DatasetError: The scenes are too small for three blocks.
    """
    found: list[Area] = []
    for size in BLOCK_SIZES:
        found = [_area(name, cell) for name, whole in scenes.items() for cell in _cells(whole, size)]
        if len(found) >= ENOUGH_BLOCKS:
            break
    if len(found) < len(SPLITS):
        raise DatasetError(
            f"too few blocks of {BLOCK_SIZES[-1]} pixels: got {len(found)}, expected at least {len(SPLITS)}; "
            "give more images"
        )
    return found


def deal(areas: list[Area], seed: int) -> Splits:
    """Deal areas to the splits at random, at least one to each.

    Args:
        areas: At least three areas.
        seed: The same seed gives the same splits.

    Raises:
        DatasetError: There are fewer than three areas.
    """
    areas = list(areas)
    if len(areas) < len(SPLITS):
        raise DatasetError(
            f"too few areas with labels: got {len(areas)}, expected at least {len(SPLITS)}; label more of them"
        )
    random.Random(seed).shuffle(areas)
    held_out = {split: max(1, round(SHARES[split] * len(areas))) for split in ("validation", "test")}
    first, second = held_out["validation"], held_out["validation"] + held_out["test"]
    dealt: Splits = {"train": (*areas[second:],), "validation": (*areas[:first],), "test": (*areas[first:second],)}
    return {split: tuple(sorted(got, key=lambda a: (a.scene, a.row, a.col))) for split, got in dealt.items()}


def given(path: Path, scenes: dict[str, Window]) -> Splits:
    """Read the splits of a file.

    Args:
        path: TOML or CSV file as above.
        scenes: The windows of whole scenes, by name.

    Raises:
        DatasetNotFoundError: There is no such file.
        DatasetError: The file is not as above, names an unknown scene, or an area reaches beyond its scene.
    """
    try:
        content = _areas_of_csv(path) if path.suffix.lower() == ".csv" else read_toml(path, DatasetError)
        areas = _GivenSplits.model_validate(content).areas
    except OSError as error:
        raise DatasetNotFoundError(
            f"no split '{path}' ({error.strerror}); expected 'file', 'blocks', or a TOML or CSV file with areas",
            option="split",
        ) from None
    except ValidationError as error:
        raise DatasetError(f"{path}: {explain(error, _GivenSplits)}; correct it there") from error
    splits: dict[Split, list[Area]] = {}
    for area in (area.model_copy(update={"scene": unicodedata.normalize("NFC", area.scene)}) for area in areas):
        if area.scene not in scenes:
            known = ", ".join(list(scenes)[:10]) + (", ..." if len(scenes) > 10 else "")
            raise DatasetError(f"{path} names scene '{area.scene}'; expected one of {known}: correct it there")
        whole = scenes[area.scene]
        height = whole.height - area.row if area.height is None else area.height
        width = whole.width - area.col if area.width is None else area.width
        window = Window(area.row, area.col, height, width)
        if height < 1 or width < 1 or not whole.contains(window):
            raise DatasetError(
                f"{path}: an area of the {area.split} split reaches beyond scene '{area.scene}', which has "
                f"{whole.height} x {whole.width} pixels: {window}; correct it there"
            )
        splits.setdefault(area.split, []).append(_area(area.scene, window))
    if "train" not in splits:
        raise DatasetError(f"{path} has no area of the train split; add one")
    return {split: tuple(splits.get(split, ())) for split in SPLITS}


def _areas_of_csv(path: Path) -> dict[str, object]:
    """The rows of a CSV file as areas; empty cells are left out."""
    rows = read_csv(path, DatasetError)
    return {"areas": [{name: cell for name, cell in row.items() if cell} for row in rows]}


def _area(scene: str, window: Window) -> Area:
    return Area(scene=scene, row=window.row, col=window.col, height=window.height, width=window.width)


def _cells(whole: Window, size: int) -> list[Window]:
    """Cut a window evenly into cells of about size x size."""

    def cuts(length: int) -> list[int]:
        count = max(1, round(length / size))
        return [round(length * index / count) for index in range(count + 1)]

    rows, columns = cuts(whole.height), cuts(whole.width)
    return [
        Window(top, left, bottom - top, right - left)
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]
