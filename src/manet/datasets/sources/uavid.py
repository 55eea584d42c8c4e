"""UAVid: oblique drone videos of 42 places, ten frames each, with eight classes and the publisher's splits."""

import re
from pathlib import Path

from manet.datasets.legend_file import LabelledClass, LegendFile
from manet.datasets.manifest import SPLITS, Manifest, Split
from manet.datasets.sources.published import Publication, PublicationSettings, Role, prepare_publication
from manet.datasets.sources.published.archives import SourceFile
from manet.progress import QUIET, Progress

SEQUENCES: dict[Split, tuple[int, ...]] = {
    "train": (*range(1, 16), *range(31, 36)),
    "validation": (*range(16, 21), 36, 37),
    "test": (*range(21, 31), *range(38, 43)),
}
FRAMES = tuple(f"{frame:06}" for frame in range(0, 1000, 100))

LEGEND = LegendFile(
    classes=(
        LabelledClass(name="clutter", colour=(0, 0, 0)),
        LabelledClass(name="building", colour=(128, 0, 0)),
        LabelledClass(name="road", colour=(128, 64, 128)),
        LabelledClass(name="static car", colour=(192, 0, 192)),
        LabelledClass(name="tree", colour=(0, 128, 0)),
        LabelledClass(name="low vegetation", colour=(128, 128, 0)),
        LabelledClass(name="human", colour=(64, 64, 0)),
        LabelledClass(name="moving car", colour=(64, 0, 128)),
    )
)
"""The benchmark's mean includes all eight."""

ROLES: dict[str, Role] = {"images": "image", "labels": "labels"}
FRAME = re.compile(r"(\d{6})\.png", re.IGNORECASE)
SEQUENCE = re.compile(r"seq(\d+)", re.IGNORECASE)


def publication() -> Publication:
    """What UAVid consists of. Each frame is a scene, named like `seq1_000000`."""
    return Publication(
        name="uavid",
        legend=LEGEND,
        bands=("red", "green", "blue"),
        scenes={f"seq{number}_{frame}": split for split in SPLITS for number in SEQUENCES[split] for frame in FRAMES},
        recognise=recognise,
        archives={
            "image": "uavid_train, uavid_val and uavid_test (seq*/Images)",
            "labels": "uavid_train and uavid_val (seq*/Labels)",
        },
        nested=re.compile(r"uavid", re.IGNORECASE),
        attribution="UAVid: Lyu, Vosselman, Xia, Yilmaz, Yang 2020, CC BY-NC-SA 4.0.",
        hidden=frozenset({"test"}),
    )


def prepare(
    source: Path, out: Path, settings: PublicationSettings, *, overwrite: bool = False, progress: Progress = QUIET
) -> Manifest:
    """Prepare UAVid; see `prepare_publication`."""
    return prepare_publication(publication(), source, out, settings, overwrite=overwrite, progress=progress)


def recognise(file: SourceFile) -> tuple[Role, str] | None:
    """What a file holds and of which scene, by the end of its path: seq1/Images/000000.png."""
    if len(file.folders) < 2:
        return None
    sequence, frame = SEQUENCE.fullmatch(file.folders[-2]), FRAME.fullmatch(file.name)
    role = ROLES.get(file.folders[-1].lower())
    return (role, f"seq{int(sequence[1])}_{frame[1]}") if role and sequence and frame else None
