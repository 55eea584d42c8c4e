"""Bands by their names."""

import re
from collections.abc import Sequence

SYNONYMS = {"nir": "near infrared", "infrared": "near infrared", "grey": "gray", "r": "red", "g": "green", "b": "blue"}

NAMELESS = re.compile(r"(undefined|gray|palette|band \d+|)")
"""What bands are called that nobody named."""


def plain(name: str) -> str:
    """A name without what does not tell bands apart: case, punctuation, synonyms."""
    name = " ".join(name.casefold().replace("-", " ").replace("_", " ").split())
    return SYNONYMS.get(name, name)


def is_named(name: str) -> bool:
    """Whether a name tells what a band is."""
    return not NAMELESS.fullmatch(plain(name))


def find_bands(wanted: Sequence[str], there: Sequence[str]) -> list[int | None]:
    """Where each wanted band is among others, by name; None where it is not, or where a name is none or not unique."""
    names = [plain(name) for name in there]
    return [names.index(name) if is_named(name) and names.count(name) == 1 else None for name in map(plain, wanted)]
