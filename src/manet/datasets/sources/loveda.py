"""LoveDA: 5987 aerial images of 1024 x 1024 pixels at 0.3 m, seven classes; the publisher's splits."""

import re

from manet.datasets.legend_file import LabelledClass, LegendFile
from manet.datasets.manifest import Split
from manet.datasets.sources.published import Publication, Role
from manet.datasets.sources.published.archives import SourceFile

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
"""All seven count in the benchmark's mean; 0 is no data."""

ROLES: dict[str, Role] = {"images_png": "image", "masks_png": "labels"}
FILE = re.compile(r"(\d+)\.png", re.IGNORECASE)


def publication() -> Publication:
    """An image is a scene, named by its number."""
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


def recognise(file: SourceFile) -> tuple[Role, str] | None:
    """By the end of the path: images_png/0.png."""
    role, match = ROLES.get(file.folders[-1].lower() if file.folders else ""), FILE.fullmatch(file.name)
    return (role, str(int(match[1]))) if role and match else None
