"""Legend files: the classes of your own labels, and what the labels hold for each. TOML:

    ignored = [255, [0, 0, 0]]      # values or colours that mean no label (optional)

    [[classes]]
    name = "building"
    colour = [200, 60, 50]
    foreground = true               # whether mean scores include the class
    value = ["house", "shed"]       # what labels hold for it, one or several (optional)

Labels in colours (three bands, or a palette if no class has a `value`) are distinguished by `colour`. In one band of
values a class is its `value`, or its position from 0 if no class has one. An attribute of polygons is compared with
`value`, or with the name of a class that has none.
"""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from manet.errors import DatasetError, DatasetNotFoundError
from manet.files import choices, read_toml
from manet.legend import BUILDINGS, IGNORED, ISPRS, Channel, Legend, LegendClass
from manet.raster.label_raster import pack
from manet.wrong_values import explain

SHIPPED = {"buildings": BUILDINGS, "isprs": ISPRS}
"""Legends that have a name instead of a file."""


class LabelledClass(LegendClass):
    """A class, and what labels hold for it."""

    value: int | str | tuple[int | str, ...] = ()

    @property
    def values(self) -> tuple[str, ...]:
        """What labels hold for the class, as text."""
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
            raise ValueError(f"the value {', '.join(sorted(twice))} is there twice; each class must have its own")
        if both := {c.name for c in self.classes if c.colour in self.ignored}:
            raise ValueError(f"the colour of {', '.join(sorted(both))} is ignored as well; it must be one or the other")
        assert self.legend  # it checks more
        return self

    @property
    def legend(self) -> Legend:
        """The classes, without what labels hold for them."""
        return Legend(
            classes=tuple(LegendClass(name=c.name, colour=c.colour, foreground=c.foreground) for c in self.classes)
        )

    @property
    def has_values(self) -> bool:
        """Whether any class has a value."""
        return any(c.values for c in self.classes)

    @property
    def background(self) -> int | None:
        """The index of the class named background, or of the only one that is not foreground."""
        named = [index for index, c in enumerate(self.classes) if c.name.lower() == "background"]
        others = [index for index, c in enumerate(self.classes) if not c.foreground]
        return named[0] if named else others[0] if len(others) == 1 else None

    def by_colour(self) -> dict[int, int]:
        """The class index, or IGNORED, of each colour's code."""
        ignored = {pack(colour): IGNORED for colour in self.ignored if isinstance(colour, tuple)}
        return ignored | {pack(c.colour): index for index, c in enumerate(self.classes)}

    def by_value(self) -> dict[int, int]:
        """The class index, or IGNORED, of each value of a raster."""
        texts = {value: index for index, c in enumerate(self.classes) for value in c.values}
        if not self.has_values:
            texts = {str(index): index for index in range(len(self.classes))}
        texts |= self._ignored_texts()
        return {int(text): index for text, index in texts.items() if text.removeprefix("-").isdecimal()}

    def by_attribute(self) -> dict[str, int]:
        """The class index, or IGNORED, of each value of an attribute."""
        classes = {text: index for index, c in enumerate(self.classes) for text in c.values or (c.name,)}
        return self._ignored_texts() | classes

    def _ignored_texts(self) -> dict[str, int]:
        return {str(value): IGNORED for value in self.ignored if not isinstance(value, tuple)}


def read_legend_file(name_or_path: str | Path) -> LegendFile:
    """Read a legend.

    Args:
        name_or_path: "buildings" or "isprs", or the path of a TOML file.

    Raises:
        DatasetNotFoundError: There is no such legend.
        DatasetError: The file is not a legend.
    """
    if shipped := SHIPPED.get(str(name_or_path)):
        return LegendFile(classes=tuple(LabelledClass(**c.model_dump()) for c in shipped.classes))
    try:
        return LegendFile.model_validate(read_toml(Path(name_or_path), DatasetError))
    except OSError:
        raise DatasetNotFoundError(
            f"no legend '{name_or_path}'; expected a TOML file or one of {choices(str(name_or_path), SHIPPED)}",
            option="legend",
        ) from None
    except ValidationError as error:
        raise DatasetError(f"{name_or_path}: {explain(error, LegendFile)}; correct it there") from error


def read_legend(name_or_path: str | Path) -> Legend:
    """The classes of a legend, without what labels hold for them. Raises errors as `read_legend_file`."""
    return read_legend_file(name_or_path).legend
