"""The one form of a prepared dataset: a folder of scenes and labels, and a manifest that describes it."""

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

    name: str
    image: str
    labels: str
    height: int = Field(gt=0)
    width: int = Field(gt=0)


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
        return next(scene for scene in self.scenes if scene.name == name)


def check_areas(scenes: tuple[SceneEntry, ...], splits: dict[Split, tuple[Area, ...]]) -> None:
    """Raises DatasetError where an area lies outside its scene, or areas of different splits overlap."""
    windows = {scene.name: Window(0, 0, scene.height, scene.width) for scene in scenes}
    for split, areas in splits.items():
        for area in areas:
            if area.scene not in windows:
                raise DatasetError(f"the {split} split names scene '{area.scene}'; there are {', '.join(windows)}")
            if not windows[area.scene].contains(area.window):
                raise DatasetError(f"an area of the {split} split reaches beyond scene '{area.scene}': {area.window}")
    flat = [(split, area) for split, areas in splits.items() for area in areas]
    for index, (split, area) in enumerate(flat):
        for other_split, other in flat[index + 1 :]:
            if split != other_split and area.scene == other.scene and area.window.intersect(other.window):
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
