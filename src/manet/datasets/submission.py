"""Predictions for benchmarks that keep their test labels secret: the files that their servers take, in one archive."""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from manet.datasets.label_classes import Classes
from manet.datasets.sources.published import PARTIAL
from manet.errors import DatasetError
from manet.files import choices, replacing
from manet.legend import Legend

Form = Callable[[str, Classes, Legend], tuple[str, Classes]]
"""From a scene's name, its class indices and the legend to the name of its PNG and to the pixels."""

Add = Callable[[str, Classes], None]
"""Takes the name of a scene and its class indices (height, width)."""


def _loveda(scene: str, classes: Classes, legend: Legend) -> tuple[str, Classes]:
    """Class indices from 0; the values of the published labels begin at 1."""
    return f"{scene}.png", classes


def _uavid(scene: str, classes: Classes, legend: Legend) -> tuple[str, Classes]:
    """Colours, like the published labels."""
    sequence, frame = scene.split("_")
    return f"{sequence}/Labels/{frame}.png", np.array(legend.colours, np.uint8)[classes]


FORMS: dict[str, Form] = {"loveda": _loveda, "uavid": _uavid}


def form_of(dataset: str) -> Form:
    """What a dataset's benchmark takes. Raises DatasetError if there is no such benchmark."""
    name = dataset.removesuffix(PARTIAL)
    if name not in FORMS:
        raise DatasetError(
            f"dataset '{dataset}' has no benchmark that takes predictions; expected one of {choices(name, FORMS)}: "
            "evaluate on this dataset instead"
        )
    return FORMS[name]


@contextmanager
def submission(out: Path, form: Form, legend: Legend, overwrite: bool = False) -> Iterator[Add]:
    """Write a zip archive with one PNG per scene; nothing is left at `out` if anything fails.

    Args:
        out: Archive to write.
        form: What the benchmark takes.
        legend: Classes of the predictions.
        overwrite: Whether an archive that exists is replaced.

    Yields:
        A function that adds a scene's prediction.

    Raises:
        OutputError: The archive exists and is not to be overwritten, or it cannot be written.
    """
    with replacing(out, overwrite) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:

        def add(scene: str, classes: Classes) -> None:
            name, pixels = form(scene, classes, legend)
            with archive.open(name, "w") as file:
                Image.fromarray(pixels).save(file, "PNG")

        yield add
