"""ISPRS Potsdam: 38 aerial images of 6000 x 6000 pixels at 5 cm, with the splits of the MANet paper."""

import re
from pathlib import Path
from typing import Literal

from manet.datasets.manifest import SPLITS, Manifest, Split
from manet.datasets.sources.isprs.heights import NormalisedHeight, SurfaceHeight
from manet.datasets.sources.isprs.legend import LEGEND
from manet.datasets.sources.published import Publication, PublicationSettings, Role, prepare_publication
from manet.datasets.sources.published.archives import SourceFile
from manet.progress import QUIET, Progress

NUMBERS: dict[Split, str] = {
    "train": "2_11 2_12 3_10 3_11 3_12 4_10 4_11 4_12 5_10 5_11 5_12 6_7 6_8 6_9 6_10 6_11 6_12 7_7 7_8 7_9 7_11 7_12",
    "validation": "2_10",
    "test": "2_13 2_14 3_13 3_14 4_13 4_14 4_15 5_13 5_14 5_15 6_13 6_14 6_15 7_13",
}
SCENES: dict[str, Split] = {name: split for split in SPLITS for name in NUMBERS[split].split()}
WRONG = "7_10"
"""The scene whose labels are largely wrong, so the paper leaves it out."""

LEFT_OUT = f"scene {WRONG} is left out, since its labels are largely wrong; the setting keep_7_10 adds it"

OFF_COLOUR = frozenset({"4_12", "6_7"})
"""Scenes whose colours are off, which rounding corrects. The labels of 4_12 were compressed with loss and have
thousands of colours; cars of 6_7 are (252, 255, 0)."""

Composite = Literal["rgb", "irrg", "rgbir"]
BANDS: dict[Composite, tuple[str, ...]] = {
    "rgb": ("red", "green", "blue"),
    "irrg": ("near infrared", "red", "green"),
    "rgbir": ("red", "green", "blue", "near infrared"),
}
FOLDERS: dict[Composite, str] = {"rgb": "2_Ortho_RGB", "irrg": "3_Ortho_IRRG", "rgbir": "4_Ortho_RGBIR"}

HeightKind = Literal["dsm", "ndsm"]
HEIGHTS = {"dsm": ("1_DSM", SurfaceHeight), "ndsm": ("1_DSM_normalisation", NormalisedHeight)}

IMAGE = re.compile(r"top_potsdam_(\d+_\d+)_(RGB|IRRG|RGBIR)\.tif", re.IGNORECASE)
LABELS = re.compile(r"top_potsdam_(\d+_\d+)_label(_noBoundary)?\.tif", re.IGNORECASE)
HEIGHT = re.compile(r"dsm_potsdam_0?(\d+)_0?(\d+)(_normalized_lastools)?\.(?:tif|jpg)", re.IGNORECASE)


class PotsdamSettings(PublicationSettings):
    """What can be chosen for Potsdam."""

    bands: Composite = "rgb"
    """The bands of the image, in this order; near infrared is "ir"."""
    height: HeightKind | None = None
    """The last band: the surface model, the publisher's heights above ground, or none (see heights.py)."""
    keep_7_10: bool = False
    """Whether scene 7_10, whose labels are largely wrong, is in the train split."""


def prepare(
    source: Path, out: Path, settings: PotsdamSettings, *, overwrite: bool = False, progress: Progress = QUIET
) -> Manifest:
    """Prepare Potsdam; see `prepare_publication`."""
    chosen = publication(settings.bands, settings.height, settings.keep_7_10)
    return prepare_publication(chosen, source, out, settings, overwrite=overwrite, progress=progress)


def publication(bands: Composite = "rgb", height: HeightKind | None = None, keep_7_10: bool = False) -> Publication:
    """What Potsdam consists of; see `PotsdamSettings`."""
    archives: dict[Role, str] = {
        "image": FOLDERS[bands],
        "labels": "5_Labels_all",
        "eroded": "5_Labels_all_noBoundary",
    }
    if height:
        archives["height"] = HEIGHTS[height][0]

    def recognise(file: SourceFile) -> tuple[Role, str] | None:
        """What a file holds and of which scene."""
        if (match := IMAGE.fullmatch(file.name)) and match[2].lower() == bands:
            return "image", match[1]
        if match := LABELS.fullmatch(file.name):
            return "eroded" if match[2] else "labels", match[1]
        if (match := HEIGHT.fullmatch(file.name)) and bool(match[3]) == (height == "ndsm"):
            return "height", f"{match[1]}_{match[2]}"
        return None

    scenes = SCENES.copy()
    if keep_7_10:
        scenes[WRONG] = "train"
    return Publication(
        name="potsdam",
        legend=LEGEND,
        bands=(*BANDS[bands], "height") if height else BANDS[bands],
        scenes=scenes,
        recognise=recognise,
        archives=archives,
        nested=re.compile(rf"^(?:Potsdam|5_Labels_\w+|{'|'.join(a for a in archives.values())})\.zip$", re.IGNORECASE),
        attribution="ISPRS 2D Semantic Labeling, Potsdam: BSF Swissphoto, ISPRS.",
        gsd_m=0.05,
        off_colour=OFF_COLOUR,
        open_height=HEIGHTS[height][1] if height else None,
        note=None if keep_7_10 else LEFT_OUT,
    )
