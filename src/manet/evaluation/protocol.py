"""Protocols: what a score is a score of. Scores under different protocols are different quantities."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, model_validator

from manet.card import without_energy
from manet.datasets.manifest import Split
from manet.errors import DatasetError, OptionError
from manet.legend import Legend
from manet.prediction.settings import Augmentation, Context

LabelVersion = Literal["full", "eroded"]
"""The labels as they are, or with the pixels near boundaries between classes ignored."""

Foreground = Literal["legend", "all"]
"""The classes that means are taken over: the legend's foreground, or every class."""

LABELS: tuple[LabelVersion, ...] = get_args(LabelVersion)
FOREGROUNDS: tuple[Foreground, ...] = get_args(Foreground)
AUGMENTATIONS: tuple[Augmentation, ...] = get_args(Augmentation)

T = TypeVar("T")


class PredictionProtocol(BaseModel):
    """How the maps that are scored were predicted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: int
    """Height and width of the windows that the network saw, pixels."""
    overlap: int
    """Pixels that neighbouring windows share; with scene context twice the halo."""
    augmentation: Augmentation = "none"
    context: Context = "window"
    adapted: tuple[str, ...] = ()
    """What was done to bring scenes to the bands and the ground sampling distance that the network was trained on."""

    @model_validator(mode="before")
    @classmethod
    def _of_earlier_versions(cls, values: Any) -> Any:
        return without_energy(values, DatasetError)


class Protocol(PredictionProtocol):
    """How scores were taken: the prediction, the labels and the classes."""

    dataset: str
    split: Split
    labels: LabelVersion = "full"
    classes: tuple[str, ...]
    """All classes; overall accuracy counts every one."""
    foreground: tuple[str, ...]
    """The classes that the means are taken over."""

    @property
    def name(self) -> str:
        """What tells the protocols of one evaluation apart, such as full-5-none."""
        return f"{self.labels}-{len(self.foreground)}-{self.augmentation}"

    def differences(self, other: "Protocol") -> list[str]:
        """What differs, in words. With scene context a map does not depend on windows, so they are not compared."""
        names = [name for name in type(self).model_fields if getattr(self, name) != getattr(other, name)]
        if self.context == other.context == "scene":
            names = [name for name in names if name not in ("window", "overlap")]
        return [f"{name}: {_words(getattr(self, name))} and {_words(getattr(other, name))}" for name in names]


@dataclass(frozen=True)
class Grid:
    """The protocols of one evaluation: all combinations of labels, foregrounds and augmentations.

    The first of each is the one that was chosen.
    """

    labels: tuple[LabelVersion, ...]
    foregrounds: tuple[Foreground, ...]
    augmentations: tuple[Augmentation, ...]

    def widened(self, labels: tuple[LabelVersion, ...], legend: Legend, context: Context) -> "Grid":
        """This grid with all other choices after the chosen ones.

        Args:
            labels: The versions of the labels that the dataset has.
            legend: The dataset's legend; a foreground of all classes adds no protocol.
            context: Augmentations are added with window context only.
        """
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
    """The foreground that a text stands for.

    Args:
        text: `legend`, `all`, or the number of classes that one of them has.
        legend: The dataset's legend.

    Raises:
        OptionError: The text is something else.
    """
    counts: dict[Foreground, int] = {name: len(foreground_classes(name, legend)) for name in FOREGROUNDS}
    for name, count in counts.items():
        if text in (name, str(count)):
            return name
    known = " or ".join(f"{name} ({count} classes)" for name, count in counts.items())
    raise OptionError(f"got the foreground '{text}'; expected {known}", option="foreground")


def _led(chosen: T, every: Iterable[T]) -> tuple[T, ...]:
    return chosen, *(each for each in every if each != chosen)


def _words(value: object) -> str:
    return f"({', '.join(map(str, value))})" if isinstance(value, tuple) else str(value)
