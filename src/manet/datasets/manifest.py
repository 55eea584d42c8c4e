"""The one form of a prepared dataset: a folder of scenes and labels, and a manifest that describes it."""

from functools import cached_property
from itertools import combinations, groupby
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from manet.errors import DatasetError
from manet.legend import Legend
from manet.raster.windows import Window

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
    """None where the publisher keeps them to himself."""
    eroded: str | None = None
    """Labels whose boundaries between classes are ignored, where the publisher gives a second version like that."""
    height: int = Field(gt=0)
    width: int = Field(gt=0)

    @property
    def labels(self) -> str:
        """Raises DatasetError where the scene has none."""
        if self.given_labels is None:
            raise DatasetError(
                f"scene '{self.name}' has no labels, its publisher keeps them; score on another split, or predict for "
                "the publisher's benchmark with `manet submit`"
            )
        return self.given_labels


class Area(_Record):
    """A rectangle of a scene, in pixels."""

    scene: str
    row: int = Field(ge=0)
    col: int = Field(ge=0)
    height: int = Field(gt=0)
    width: int = Field(gt=0)

    @property
    def window(self) -> Window:
        return Window(self.row, self.col, self.height, self.width)


class BandStatistics(_Record):
    """Of the valid pixels of the training split alone, one value a band, in the imagery's own values."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    minimum: tuple[float, ...]
    maximum: tuple[float, ...]


class Manifest(_Record):
    """What a prepared dataset holds. Areas of different splits do not overlap."""

    dataset: str
    legend: Legend
    bands: tuple[str, ...] = Field(min_length=1)
    dtype: str
    gsd_m: float | None
    scenes: tuple[SceneEntry, ...] = Field(min_length=1)
    splits: dict[Split, tuple[Area, ...]]
    statistics: BandStatistics
    pixels: dict[Split, tuple[int, ...]]
    """Labelled pixels of each class, by split."""
    attribution: str

    @model_validator(mode="after")
    def _consistent(self) -> "Manifest":
        check_areas(self.scenes, self.splits)
        return self

    def scene(self, name: str) -> SceneEntry:
        return self._by_name[name]

    def labelled(self, split: Split) -> tuple[Area, ...]:
        """The areas of a split whose scenes have labels."""
        return tuple(area for area in self.splits.get(split, ()) if self.scene(area.scene).given_labels is not None)

    @cached_property
    def _by_name(self) -> dict[str, SceneEntry]:
        return {scene.name: scene for scene in self.scenes}


def check_areas(scenes: tuple[SceneEntry, ...], splits: dict[Split, tuple[Area, ...]]) -> None:
    """Raises DatasetError where an area lies outside its scene, or areas of different splits overlap."""
    windows = {scene.name: Window(0, 0, scene.height, scene.width) for scene in scenes}
    for split, areas in splits.items():
        for area in areas:
            if area.scene not in windows:
                raise DatasetError(f"the {split} split names scene '{area.scene}'; there are {', '.join(windows)}")
            if not windows[area.scene].contains(area.window):
                raise DatasetError(f"an area of the {split} split reaches beyond scene '{area.scene}': {area.window}")
    flat = sorted(((split, area) for split, areas in splits.items() for area in areas), key=lambda pair: pair[1].scene)
    for _, group in groupby(flat, key=lambda pair: pair[1].scene):  # datasets may be of thousands of scenes
        for (split, area), (other_split, other) in combinations(group, 2):
            if split != other_split and area.window.intersect(other.window):
                raise DatasetError(
                    f"splits {split} and {other_split} overlap in scene '{area.scene}' "
                    f"({area.window} and {other.window}); scores on seen pixels mean nothing: separate the areas"
                )


def read_manifest(folder: str | Path) -> Manifest:
    """The manifest of a prepared dataset. Raises DatasetError where there is none or it is not one."""
    path = Path(folder) / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DatasetError(f"{folder} has no {MANIFEST}; make it with `manet prepare`") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise DatasetError(f"{path} is not a manifest ({place}: {first['msg']}); prepare the dataset again") from error
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}); check the folder") from error
