"""Legends: the classes of a map, their names and colours, and which of them count in the foreground means."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

IGNORED = 255
"""The label of pixels that no loss and no score sees, and the nodata value of class rasters."""

Channel = Annotated[int, Field(ge=0, le=255)]


class LegendClass(BaseModel):
    """One class. `foreground` says whether mean F1 and mean IoU include it; overall accuracy counts every class."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    colour: tuple[Channel, Channel, Channel]
    foreground: bool = True

    @field_validator("name")
    @classmethod
    def _printable(cls, name: str) -> str:
        if not name.isprintable() or not name.strip():
            raise ValueError(f"got {name!r}; expected letters that can be printed, in one line")
        return name


class Legend(BaseModel):
    """The classes in the order of their indices, 0 upwards. Labels hold these indices, or IGNORED."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[LegendClass, ...] = Field(min_length=2, max_length=IGNORED)

    @model_validator(mode="after")
    def _distinct(self) -> "Legend":
        for what in ("name", "colour"):
            values = [getattr(c, what) for c in self.classes]
            if twice := {str(v) for v in values if values.count(v) > 1}:
                raise ValueError(f"two classes have the {what} {', '.join(sorted(twice))}; each must have its own")
        return self

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def names(self) -> list[str]:
        return [c.name for c in self.classes]

    @property
    def colours(self) -> list[tuple[int, int, int]]:
        return [c.colour for c in self.classes]

    @property
    def foreground(self) -> list[int]:
        """Indices of the classes that the foreground means are taken over."""
        return [index for index, c in enumerate(self.classes) if c.foreground]


def _legend(*classes: tuple[str, tuple[int, int, int], bool]) -> Legend:
    return Legend(classes=tuple(LegendClass(name=n, colour=c, foreground=f) for n, c, f in classes))


ISPRS = _legend(
    ("impervious surfaces", (255, 255, 255), True),
    ("building", (0, 0, 255), True),
    ("low vegetation", (0, 255, 255), True),
    ("tree", (0, 255, 0), True),
    ("car", (255, 255, 0), True),
    ("clutter", (255, 0, 0), False),
)
"""ISPRS Vaihingen and Potsdam. Clutter counts in the overall accuracy alone (PAPER: means over five classes)."""

BUILDINGS = _legend(("background", (235, 235, 225), False), ("building", (200, 60, 50), True))
"""Building outlines on everything else."""
