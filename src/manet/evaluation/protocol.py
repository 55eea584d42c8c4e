"""Protocols: what a score is a score of. Scores under different protocols are different quantities."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict

from manet.datasets.manifest import Split
from manet.errors import DatasetError
from manet.legend import Legend

Labels = Literal["full", "eroded"]
"""As they are, or with the pixels near boundaries between classes ignored."""

Foreground = Literal["legend", "all"]
"""The classes of the means: the legend's foreground, or every class."""

Augmentation = Literal["none", "flips", "d4", "multiscale"]
"""At test time."""

Context = Literal["window", "scene"]

LABELS: tuple[Labels, ...] = get_args(Labels)
FOREGROUNDS: tuple[Foreground, ...] = get_args(Foreground)
AUGMENTATIONS: tuple[Augmentation, ...] = get_args(Augmentation)

T = TypeVar("T")


class PredictionSettings(BaseModel):
    """How the maps that are scored were made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: int
    """Height and width that the network saw, pixels."""
    overlap: int
    """Of neighbouring windows, pixels; with scene context the halo on either side, twice."""
    augmentation: Augmentation = "none"
    context: Context = "window"
    energy: Literal["paper", "training"] = "paper"


class Protocol(PredictionSettings):
    """How scores were taken."""

    dataset: str
    split: Split
    labels: Labels = "full"
    classes: tuple[str, ...]
    """All classes, which the overall accuracy counts."""
    foreground: tuple[str, ...]
    """The classes that the means are taken over."""

    @property
    def name(self) -> str:
        """What differs within one evaluation, such as full-5-none."""
        return f"{self.labels}-{len(self.foreground)}-{self.augmentation}"

    def differences(self, other: "Protocol") -> list[str]:
        """What differs, named. With scene context the map does not depend on windows, so they do not count."""
        names = [name for name in type(self).model_fields if getattr(self, name) != getattr(other, name)]
        if self.context == other.context == "scene":
            names = [name for name in names if name not in ("window", "overlap")]
        return [f"{name}: {_words(getattr(self, name))} and {_words(getattr(other, name))}" for name in names]


@dataclass(frozen=True)
class Grid:
    """The protocols of one evaluation: each labels with each foreground and each augmentation. The first is the one
    that was chosen."""

    labels: tuple[Labels, ...]
    foregrounds: tuple[Foreground, ...]
    augmentations: tuple[Augmentation, ...]

    def widened(self, labels: tuple[Labels, ...], legend: Legend, context: Context) -> "Grid":
        """With everything that there is: versions of the labels, foregrounds that differ, augmentations."""
        foregrounds = FOREGROUNDS if len(legend.foreground) < len(legend) else self.foregrounds
        augmentations = AUGMENTATIONS if context == "window" else self.augmentations
        return Grid(
            _led(self.labels[0], labels),
            _led(self.foregrounds[0], foregrounds),
            _led(self.augmentations[0], augmentations),
        )


def foreground_classes(foreground: Foreground, legend: Legend) -> tuple[int, ...]:
    """Indices of the classes that the means are taken over."""
    return tuple(legend.foreground if foreground == "legend" else range(len(legend)))


def parse_foreground(text: str, legend: Legend) -> Foreground:
    """`legend`, `all`, or the number of classes that one of them has. Raises DatasetError for anything else."""
    counts: dict[Foreground, int] = {name: len(foreground_classes(name, legend)) for name in FOREGROUNDS}
    for name, count in counts.items():
        if text in (name, str(count)):
            return name
    known = " or ".join(f"{name} ({count} classes)" for name, count in counts.items())
    raise DatasetError(f"got --foreground {text}; expected {known}")


def _led(chosen: T, every: Iterable[T]) -> tuple[T, ...]:
    return chosen, *(each for each in every if each != chosen)


def _words(value: object) -> str:
    return f"({', '.join(map(str, value))})" if isinstance(value, tuple) else str(value)
