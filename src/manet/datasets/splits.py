"""Splits of one's own scenes: by file, by blocks of area, or as given.

A given split is a TOML file, or a CSV file with the same names as its columns. What is left out of an area is the whole
of its scene; a scene is an image's name without suffix:

    [[areas]]
    split = "train"                 # train, validation or test
    scene = "north"
    row = 0                         # first row and column, height and width, in pixels
    col = 0
    height = 2048
    width = 3072
"""

import csv
import random
import tomllib
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from manet.datasets.manifest import SPLITS, Area, Split
from manet.errors import DatasetError
from manet.raster.windows import Window

Splits = dict[Split, tuple[Area, ...]]
SHARES: dict[Split, float] = {"train": 0.70, "validation": 0.15, "test": 0.15}
BLOCK_SIZES = (2048, 1024, 512, 256, 128, 64)
ENOUGH_BLOCKS = 20
"""Blocks are as large as they can be for so many of them."""


class GivenArea(BaseModel):
    """An area as a user writes it."""

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
    """Each scene as a whole to one split. Raises DatasetError for fewer than three scenes."""
    if len(scenes) < len(SPLITS):
        raise DatasetError(f"{len(scenes)} images cannot be split by file into three; use --split blocks")
    return deal([_area(name, whole) for name, whole in scenes.items()], seed)


def blocks(scenes: dict[str, Window]) -> list[Area]:
    """Scenes cut into blocks of like size. Raises DatasetError where there is too little for three."""
    found: list[Area] = []
    for size in BLOCK_SIZES:
        found = [_area(name, cell) for name, whole in scenes.items() for cell in _cells(whole, size)]
        if len(found) >= ENOUGH_BLOCKS:
            break
    if len(found) < len(SPLITS):
        raise DatasetError(
            f"{len(found)} blocks of {BLOCK_SIZES[-1]} pixels are too few for three splits; give more images"
        )
    return found


def deal(areas: list[Area], seed: int) -> Splits:
    """Areas to splits at random, the same for the same seed; at least one to each."""
    areas = list(areas)
    if len(areas) < len(SPLITS):
        raise DatasetError(f"{len(areas)} areas with labels are too few for three splits; label more of them")
    random.Random(seed).shuffle(areas)
    held_out = {split: max(1, round(SHARES[split] * len(areas))) for split in ("validation", "test")}
    first, second = held_out["validation"], held_out["validation"] + held_out["test"]
    dealt: Splits = {"train": (*areas[second:],), "validation": (*areas[:first],), "test": (*areas[first:second],)}
    return {split: tuple(sorted(part, key=lambda a: (a.scene, a.row, a.col))) for split, part in dealt.items()}


def given(path: Path, scenes: dict[str, Window]) -> Splits:
    """The splits of a TOML or CSV file. Raises DatasetError where it is not as above, or names an unknown scene."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix.lower() == ".csv":
            rows = csv.DictReader(text.splitlines(), skipinitialspace=True)
            content: object = {"areas": [{k: v for k, v in row.items() if v != ""} for row in rows]}
        else:
            content = tomllib.loads(text)
        areas = _GivenSplits.model_validate(content).areas
    except OSError as error:
        raise DatasetError(
            f"no split '{path}' ({error.strerror}); use file, blocks, or give a TOML or CSV file with areas"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} is not TOML ({error}); correct it there") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DatasetError(f"{path}: {place}: {first['msg']}; correct it there") from error
    splits: dict[Split, list[Area]] = {}
    for area in areas:
        if area.scene not in scenes:
            known = ", ".join(list(scenes)[:10])
            raise DatasetError(f"{path} names scene '{area.scene}'; there are {known}: correct it there")
        whole = scenes[area.scene]
        height = whole.height - area.row if area.height is None else area.height
        width = whole.width - area.col if area.width is None else area.width
        window = Window(area.row, area.col, height, width)
        if height < 1 or width < 1 or not whole.contains(window):
            raise DatasetError(
                f"{path}: an area of the {area.split} split reaches beyond scene '{area.scene}' of {whole.height} x "
                f"{whole.width} pixels: {window}; correct it there"
            )
        splits.setdefault(area.split, []).append(_area(area.scene, window))
    if "train" not in splits:
        raise DatasetError(f"{path} gives no area to the train split; add one")
    return {split: tuple(splits.get(split, ())) for split in SPLITS}


def _area(scene: str, window: Window) -> Area:
    return Area(scene=scene, row=window.row, col=window.col, height=window.height, width=window.width)


def _cells(whole: Window, size: int) -> list[Window]:
    """A window cut evenly into cells of about a size."""

    def cuts(length: int) -> list[int]:
        pieces = max(1, round(length / size))
        return [round(length * index / pieces) for index in range(pieces + 1)]

    rows, columns = cuts(whole.height), cuts(whole.width)
    return [
        Window(top, left, bottom - top, right - left)
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]
