"""ISPRS Vaihingen: 33 aerial images at 9 cm in near infrared, red and green, with the splits of the MANet paper."""

import re
from pathlib import Path

from manet.datasets.manifest import SPLITS, Manifest, Split
from manet.datasets.sources.isprs.heights import SurfaceHeight
from manet.datasets.sources.isprs.legend import LEGEND
from manet.datasets.sources.published import Publication, PublicationSettings, Role, prepare_publication
from manet.datasets.sources.published.archives import SourceFile
from manet.progress import QUIET, Progress

AREAS: dict[Split, tuple[int, ...]] = {
    "train": (1, 3, 5, 7, 11, 13, 15, 17, 21, 23, 26, 28, 32, 34, 37),
    "validation": (30,),
    "test": (2, 4, 6, 8, 10, 12, 14, 16, 20, 22, 24, 27, 29, 31, 33, 35, 38),
}
SCENES: dict[str, Split] = {f"area{area}": split for split in SPLITS for area in AREAS[split]}
BANDS = ("near infrared", "red", "green")

ARCHIVES: dict[Role, str] = {
    "image": "ISPRS_semantic_labeling_Vaihingen.zip (top/)",
    "labels": "ISPRS_semantic_labeling_Vaihingen_ground_truth_COMPLETE.zip",
    "eroded": "ISPRS_semantic_labeling_Vaihingen_ground_truth_eroded_COMPLETE.zip",
}
HEIGHTS = "ISPRS_semantic_labeling_Vaihingen.zip (dsm/)"

NESTED = re.compile(r"^(?:ISPRS_semantic_labeling_)?Vaihingen\w*\.zip$", re.IGNORECASE)
MOSAIC = re.compile(r"top_mosaic_09cm_(area\d+)(_noBoundary)?\.tif", re.IGNORECASE)
SURFACE = re.compile(r"dsm_09cm_matching_(area\d+)\.tif", re.IGNORECASE)


class VaihingenSettings(PublicationSettings):
    """What can be chosen for Vaihingen."""

    height: bool = False
    """Whether the surface model is the fourth band (see heights.py)."""


def prepare(
    source: Path, out: Path, settings: VaihingenSettings, *, overwrite: bool = False, progress: Progress = QUIET
) -> Manifest:
    """Prepare Vaihingen; see `prepare_publication`."""
    chosen = publication(settings.height)
    return prepare_publication(chosen, source, out, settings, overwrite=overwrite, progress=progress)


def publication(height: bool = False) -> Publication:
    """What Vaihingen consists of.

    Args:
        height: Whether the surface model is the fourth band (see heights.py).
    """
    archives = ARCHIVES.copy()
    if height:
        archives["height"] = HEIGHTS
    return Publication(
        name="vaihingen",
        legend=LEGEND,
        bands=(*BANDS, "height") if height else BANDS,
        scenes=SCENES,
        recognise=recognise,
        archives=archives,
        nested=NESTED,
        attribution="ISPRS 2D Semantic Labeling, Vaihingen: German Society for Photogrammetry, Remote Sensing and "
        "Geoinformation (DGPF), Cramer 2010.",
        gsd_m=0.09,
        open_height=SurfaceHeight if height else None,
    )


def recognise(file: SourceFile) -> tuple[Role, str] | None:
    """What a file holds and of which scene. Images and full labels have the same names; images are in `top`."""
    if match := MOSAIC.fullmatch(file.name):
        if match[2]:
            return "eroded", match[1].lower()
        return "image" if file.folders[-1:] == ("top",) else "labels", match[1].lower()
    if match := SURFACE.fullmatch(file.name):
        return "height", match[1].lower()
    return None
