"""Bands by their names."""

import re
from collections.abc import Sequence

SYNONYMS = {"nir": "near infrared", "infrared": "near infrared", "grey": "gray", "r": "red", "g": "green", "b": "blue"}

NAMELESS = re.compile(r"(undefined|gray|palette|band \d+|)")
"""Names of bands that nobody gave a name."""


def plain(name: str) -> str:
    """A band's name in the form that names are compared in: without case, punctuation and synonyms."""
    name = " ".join(name.casefold().replace("-", " ").replace("_", " ").split())
    return SYNONYMS.get(name, name)


def is_named(name: str) -> bool:
    """Whether a name says what a band shows."""
    return not NAMELESS.fullmatch(plain(name))


def find_bands(wanted: Sequence[str], there: Sequence[str]) -> list[int | None]:
    """Find bands by name among those of an image.

    Args:
        wanted: Names of the bands to find.
        there: Names of the image's bands, in its order.

    Returns:
        For each wanted band its index in `there`; None where it is missing, says nothing or is there more than once.
    """
    names = [plain(name) for name in there]
    return [names.index(name) if is_named(name) and names.count(name) == 1 else None for name in map(plain, wanted)]
