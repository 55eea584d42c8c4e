"""Legend files: the classes of one's own labels, and what the labels hold for each. TOML:

    ignored = [255, [0, 0, 0]]      # values or colours that mean no label (may be left out)

    [[classes]]
    name = "building"
    colour = [200, 60, 50]
    foreground = true               # whether the mean scores count it
    value = ["house", "shed"]       # what labels hold for it, one or several (may be left out)

Labels in colours (three bands, or a palette where no class has a `value`) are told apart by `colour`. In one band of
values a class is its `value`, or its place from 0 where no class has one. An attribute of polygons is compared with
`value`, or with the name of a class that has none.
"""

import difflib
import tomllib
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from manet.errors import DatasetError
from manet.legend import BUILDINGS, IGNORED, ISPRS, Channel, Legend, LegendClass
from manet.raster.labels import pack

SHIPPED = {"buildings": BUILDINGS, "isprs": ISPRS}
"""Legends that have a name instead of a file."""


class LabelledClass(LegendClass):
    """A class, and what labels hold for it."""

    value: int | str | tuple[int | str, ...] = ()

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(map(str, self.value if isinstance(self.value, tuple) else (self.value,)))


class LegendFile(BaseModel):
    """What a legend file says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[LabelledClass, ...]
    ignored: tuple[int | str | tuple[Channel, Channel, Channel], ...] = ()

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        values = [value for c in self.classes for value in c.values]
        values += [str(value) for value in self.ignored if not isinstance(value, tuple)]
        if twice := {value for value in values if values.count(value) > 1}:
            raise ValueError(f"the value {', '.join(sorted(twice))} stands twice; each class must have its own")
        if both := {c.name for c in self.classes if c.colour in self.ignored}:
            raise ValueError(f"the colour of {', '.join(sorted(both))} is ignored as well; it must be one or the other")
        assert self.legend  # which has rules of its own
        return self

    @property
    def legend(self) -> Legend:
        return Legend(
            classes=tuple(LegendClass(name=c.name, colour=c.colour, foreground=c.foreground) for c in self.classes)
        )

    @property
    def has_values(self) -> bool:
        return any(c.values for c in self.classes)

    @property
    def background(self) -> int | None:
        """The class named background, else the only one that is not foreground."""
        named = [index for index, c in enumerate(self.classes) if c.name.lower() == "background"]
        others = [index for index, c in enumerate(self.classes) if not c.foreground]
        return named[0] if named else others[0] if len(others) == 1 else None

    def by_colour(self) -> dict[int, int]:
        """Class index (or IGNORED) by the code of a colour."""
        ignored = {pack(colour): IGNORED for colour in self.ignored if isinstance(colour, tuple)}
        return ignored | {pack(c.colour): index for index, c in enumerate(self.classes)}

    def by_value(self) -> dict[int, int]:
        """Class index (or IGNORED) by a raster's value."""
        texts = {value: index for index, c in enumerate(self.classes) for value in c.values}
        if not self.has_values:
            texts = {str(index): index for index in range(len(self.classes))}
        texts |= {str(value): IGNORED for value in self.ignored if not isinstance(value, tuple)}
        return {int(text): index for text, index in texts.items() if text.removeprefix("-").isdecimal()}

    def by_attribute(self) -> dict[str, int]:
        """Class index (or IGNORED) by an attribute's value."""
        texts = {str(value): IGNORED for value in self.ignored if not isinstance(value, tuple)}
        return texts | {text: index for index, c in enumerate(self.classes) for text in c.values or (c.name,)}


def read_legend_file(name_or_path: str) -> LegendFile:
    """A legend by the name of one that comes with manet, or by the path of a TOML file.

    Raises DatasetError where there is none, or where it is not as a legend file must be.
    """
    if shipped := SHIPPED.get(name_or_path):
        return LegendFile(classes=tuple(LabelledClass(**c.model_dump()) for c in shipped.classes))
    try:
        return LegendFile.model_validate(tomllib.loads(Path(name_or_path).read_text(encoding="utf-8")))
    except OSError:
        near = difflib.get_close_matches(name_or_path, SHIPPED, n=1, cutoff=0.0)[0]
        raise DatasetError(
            f"no legend '{name_or_path}'; give a TOML file or one of {', '.join(SHIPPED)} (nearest: {near})"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"{name_or_path} is not TOML ({error}); correct it there") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the legend"
        raise DatasetError(f"{name_or_path}: {place}: {first['msg']}; correct it there") from error


def read_legend(name_or_path: str | Path) -> Legend:
    """The classes of a legend file, without what labels hold for them."""
    return read_legend_file(str(name_or_path)).legend
