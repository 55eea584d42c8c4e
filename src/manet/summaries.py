"""What a summary's fields are, and how the summaries of two disjoint parts of a map are merged: once, for arrays of
numpy and for tensors alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

MergeName = Literal["sum", "max", "scaled sum", "concatenation"]


@dataclass(frozen=True)
class SummaryField:
    """One array of a summary, and how two of them are merged.

    sum: a + b. max: the larger one, element by element. scaled sum: a sum of terms that are divided by
    exp(maximum), `maximum` being the field of that name. concatenation: along the positions, axis 2; such a summary
    grows with the map.
    """

    name: str
    merge: MergeName = "sum"
    maximum: str | None = None


def merge_summary(fields: Sequence[SummaryField], a: Sequence[Any], b: Sequence[Any], library: Any = np) -> tuple:
    """The summary of two disjoint parts of a map together.

    Args:
        fields: What each array is.
        a: One part's summary, an array for each field, batch first.
        b: The other part's.
        library: numpy or torch, whose arrays they are.

    Returns:
        An array for each field, of the shape of a's (longer on axis 2 for a concatenation).
    """
    maxima = {
        field.name: (x, y, library.maximum(x, y))
        for field, x, y in zip(fields, a, b, strict=True)
        if field.merge == "max"
    }

    def merged(field: SummaryField, x: Any, y: Any) -> Any:
        if field.merge == "max":
            return maxima[field.name][2]
        if field.merge == "concatenation":
            return library.concatenate((x, y), 2)
        if field.maximum is None:
            return x + y
        of_x, of_y, of_both = maxima[field.maximum]
        added = (1,) * (x.ndim - of_x.ndim)
        return sum(
            part * library.exp(own - of_both).reshape(*own.shape, *added) for part, own in ((x, of_x), (y, of_y))
        )

    return tuple(merged(field, x, y) for field, x, y in zip(fields, a, b, strict=True))
