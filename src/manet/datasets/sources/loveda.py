"""LoveDA: 5987 aerial images of 1024 x 1024 pixels at 0.3 m, with seven classes and the publisher's splits."""

import re
from pathlib import Path

from manet.datasets.legend_file import LabelledClass, LegendFile
from manet.datasets.manifest import Manifest, Split
from manet.datasets.sources.published import Publication, PublicationSettings, Role, prepare_publication
from manet.datasets.sources.published.archives import SourceFile
from manet.progress import QUIET, Progress

IMAGES: dict[Split, range] = {"train": range(2522), "validation": range(2522, 4191), "test": range(4191, 5987)}

LEGEND = LegendFile(
    classes=(
        LabelledClass(name="background", colour=(255, 255, 255), value=1),
        LabelledClass(name="building", colour=(255, 0, 0), value=2),
        LabelledClass(name="road", colour=(255, 255, 0), value=3),
        LabelledClass(name="water", colour=(0, 0, 255), value=4),
        LabelledClass(name="barren", colour=(159, 129, 183), value=5),
        LabelledClass(name="forest", colour=(0, 255, 0), value=6),
        LabelledClass(name="agriculture", colour=(255, 195, 128), value=7),
    ),
    ignored=(0,),
)
"""The benchmark's mean includes all seven; the value 0 means no data."""

ROLES: dict[str, Role] = {"images_png": "image", "masks_png": "labels"}
FILE = re.compile(r"(\d+)\.png", re.IGNORECASE)


def publication() -> Publication:
    """What LoveDA consists of. Each image is a scene, named by its number."""
    return Publication(
        name="loveda",
        legend=LEGEND,
        bands=("red", "green", "blue"),
        scenes={str(number): split for split, numbers in IMAGES.items() for number in numbers},
        recognise=recognise,
        archives={
            "image": "Train.zip, Val.zip and Test.zip (images_png)",
            "labels": "Train.zip and Val.zip (masks_png)",
        },
        nested=re.compile(r"^(train|val|test|.*loveda.*)\.zip$", re.IGNORECASE),
        attribution="LoveDA: Wang, Zheng, Ma, Lu, Zhong 2021, CC BY-NC-SA 4.0.",
        gsd_m=0.3,
        hidden=frozenset({"test"}),
    )


def prepare(
    source: Path, out: Path, settings: PublicationSettings, *, overwrite: bool = False, progress: Progress = QUIET
) -> Manifest:
    """Prepare LoveDA; see `prepare_publication`."""
    return prepare_publication(publication(), source, out, settings, overwrite=overwrite, progress=progress)


def recognise(file: SourceFile) -> tuple[Role, str] | None:
    """What a file holds and of which scene, by the end of its path: images_png/0.png."""
    role, match = ROLES.get(file.folders[-1].lower() if file.folders else ""), FILE.fullmatch(file.name)
    return (role, str(int(match[1]))) if role and match else None
