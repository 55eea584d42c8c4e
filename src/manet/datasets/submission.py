"""Predictions for benchmarks that keep the labels of their test: the files that their servers take, in one archive."""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from manet.datasets.sources.published import PARTIAL
from manet.errors import DatasetError
from manet.files import replacing
from manet.legend import Legend

Classes = NDArray[np.uint8]
Form = Callable[[str, Classes, Legend], tuple[str, Classes]]
"""(name of a scene, its class indices, legend) -> the name of its PNG, and the pixels."""

Add = Callable[[str, Classes], None]
"""Takes the name of a scene and its class indices (height, width)."""


def _loveda(scene: str, classes: Classes, legend: Legend) -> tuple[str, Classes]:
    """Class indices from 0, one less than the values of the published labels."""
    return f"{scene}.png", classes


def _uavid(scene: str, classes: Classes, legend: Legend) -> tuple[str, Classes]:
    """Colours, as the published labels."""
    sequence, frame = scene.split("_")
    return f"{sequence}/Labels/{frame}.png", np.array(legend.colours, np.uint8)[classes]


FORMS: dict[str, Form] = {"loveda": _loveda, "uavid": _uavid}


def form_of(dataset: str) -> Form:
    """Raises DatasetError for a dataset without such a benchmark."""
    name = dataset.removesuffix(PARTIAL)
    if name not in FORMS:
        raise DatasetError(
            f"dataset '{dataset}' has no benchmark that takes predictions; there is one for {', '.join(FORMS)}: "
            "score this dataset with `manet evaluate`"
        )
    return FORMS[name]


@contextmanager
def submission(out: Path, form: Form, legend: Legend, overwrite: bool = False) -> Iterator[Add]:
    """A zip archive that takes predictions, each scene's as a PNG; there is none at `out` if anything fails."""
    with replacing(out, overwrite) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:

        def add(scene: str, classes: Classes) -> None:
            name, pixels = form(scene, classes, legend)
            with archive.open(name, "w") as file:
                Image.fromarray(pixels).save(file, "PNG")

        yield add
