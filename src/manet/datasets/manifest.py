"""The one form of a prepared dataset: a folder of scenes and labels, and a manifest that describes it."""

from collections.abc import Iterator
from functools import cached_property
from itertools import combinations, groupby
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from manet.errors import DatasetError, DatasetNotFoundError
from manet.legend import Legend
from manet.raster.windows import Window, tiles
from manet.wrong_values import explain

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
MANIFEST = "manifest.json"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SceneEntry(_Record):
    """A scene of the dataset; paths are relative to the manifest."""

    model_config = ConfigDict(populate_by_name=True)

    name: str
    image: str
    given_labels: str | None = Field(alias="labels")
    """None if the publisher keeps them secret."""
    eroded: str | None = None
    """Labels whose boundaries between classes are ignored, if the publisher provides such a second version."""
    height: int = Field(gt=0)
    width: int = Field(gt=0)

    @property
    def labels(self) -> str:
        """The path of the labels. Raises DatasetError if the scene has none."""
        if self.given_labels is None:
            raise DatasetError(
                f"scene '{self.name}' has no labels, since its publisher keeps them secret; use another split, or "
                "submit predictions to the publisher's benchmark"
            )
        return self.given_labels


class Area(_Record):
    """A window of a scene that belongs to a split."""

    scene: str
    row: int = Field(ge=0)
    col: int = Field(ge=0)
    height: int = Field(gt=0)
    width: int = Field(gt=0)

    @property
    def window(self) -> Window:
        """The area's pixels."""
        return Window(self.row, self.col, self.height, self.width)

    def tiles(self) -> Iterator[Window]:
        """Windows of the scene that cover the area row by row without overlap, of at most 1024 x 1024 pixels."""
        for tile in tiles(self.height, self.width):
            yield tile.moved(self.row, self.col)


class BandStatistics(_Record):
    """Statistics of the valid pixels of the train split: one number per band, in the imagery's own values."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    minimum: tuple[float, ...]
    maximum: tuple[float, ...]


class Manifest(_Record):
    """What a prepared dataset holds. Areas of different splits never overlap."""

    dataset: str
    legend: Legend
    bands: tuple[str, ...] = Field(min_length=1)
    dtype: str
    gsd_m: float | None
    """Ground sampling distance, metres; None if it is unknown."""
    scenes: tuple[SceneEntry, ...] = Field(min_length=1)
    splits: dict[Split, tuple[Area, ...]]
    statistics: BandStatistics
    pixels: dict[Split, tuple[int, ...]]
    """How many labelled pixels each class has, by split."""
    attribution: str

    @model_validator(mode="after")
    def _consistent(self) -> "Manifest":
        check_areas(self.scenes, self.splits)
        return self

    def scene(self, name: str) -> SceneEntry:
        """The scene with this name."""
        return self._by_name[name]

    def labelled(self, split: Split) -> tuple[Area, ...]:
        """The areas of a split whose scenes have labels."""
        return tuple(area for area in self.splits.get(split, ()) if self.scene(area.scene).given_labels is not None)

    @cached_property
    def _by_name(self) -> dict[str, SceneEntry]:
        return {scene.name: scene for scene in self.scenes}


def check_areas(scenes: tuple[SceneEntry, ...], splits: dict[Split, tuple[Area, ...]]) -> None:
    """Raises DatasetError if an area reaches beyond its scene, or areas of different splits overlap."""
    windows = {scene.name: Window(0, 0, scene.height, scene.width) for scene in scenes}
    for split, areas in splits.items():
        for area in areas:
            if area.scene not in windows:
                raise DatasetError(
                    f"the {split} split names scene '{area.scene}'; expected one of {', '.join(windows)}"
                )
            if not windows[area.scene].contains(area.window):
                raise DatasetError(f"an area of the {split} split reaches beyond scene '{area.scene}': {area.window}")
    flat = sorted(((split, area) for split, areas in splits.items() for area in areas), key=lambda pair: pair[1].scene)
    for _, group in groupby(flat, key=lambda pair: pair[1].scene):  # by scene, since there may be thousands
        for (split, area), (other_split, other) in combinations(group, 2):
            if split != other_split and area.window.intersect(other.window):
                raise DatasetError(
                    f"splits {split} and {other_split} overlap in scene '{area.scene}' "
                    f"({area.window} and {other.window}); scores on pixels of the train split mean nothing: "
                    "separate the areas"
                )


def read_manifest(folder: str | Path) -> Manifest:
    """Read the manifest of a prepared dataset.

    Args:
        folder: Folder of the dataset.

    Raises:
        DatasetNotFoundError: The folder has no manifest.
        DatasetError: The file is not a manifest, or cannot be read.
    """
    path = Path(folder) / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DatasetNotFoundError(
            f"{folder} has no {MANIFEST}, so it is not a prepared dataset; prepare the dataset first"
        ) from None
    except ValidationError as error:
        reason = explain(error, Manifest)
        raise DatasetError(f"{path} is not a manifest ({reason}); prepare the dataset again") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not a manifest ({error}); prepare the dataset again") from error
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}); check the folder") from error
