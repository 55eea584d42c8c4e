"""Publishers' archives in miniature: their names, nesting, formats and colours, with parts of a generated town."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from manet.datasets.sources import loveda, uavid
from manet.datasets.sources.isprs import potsdam, vaihingen
from manet.datasets.sources.town import Town, draw
from manet.legend import ISPRS

Members = dict[str, bytes]
Array = NDArray[np.generic]

COLOURS = np.array([*ISPRS.colours, (0, 0, 0)], np.uint8)
BOUNDARY = 6
"""Index of the eroded boundary's colour."""

DISC = [(row, col) for row in range(-3, 4) for col in range(-3, 4) if row**2 + col**2 <= 9]


@dataclass(frozen=True)
class Cut:
    """A part of the town: image (4, height, width), classes and heights (height, width)."""

    image: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    heights: NDArray[np.float32]

    @property
    def eroded(self) -> NDArray[np.uint8]:
        """Pixels with another class within 3 pixels are BOUNDARY."""
        height, width = self.classes.shape
        padded, same = np.pad(self.classes, 3, mode="edge"), np.ones((height, width), bool)
        for row, col in DISC:
            same &= padded[3 + row : 3 + row + height, 3 + col : 3 + col + width] == self.classes
        return np.where(same, self.classes, np.uint8(BOUNDARY))


@cache
def town() -> Town:
    return draw(600, 720, seed=3, gsd_m=0.25)


def cut(number: int, height: int, width: int) -> Cut:
    """The same for the same number."""
    row, col = (number * 37) % (600 - height), (number * 101) % (720 - width)
    place = (slice(row, row + height), slice(col, col + width))
    return Cut(town().image[:, *place], town().labels[place], town().heights[place])


def tiff(bands: Array, crs: str | None = None, transform: Affine | None = None) -> bytes:
    """bands: (bands, height, width)."""
    count, height, width = bands.shape
    kind = {"photometric": "RGB"} if count > 2 else {}
    place = {"crs": crs, "transform": transform or Affine(1, 0, 0, 0, -1, height)}
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff", count=count, height=height, width=width, dtype=bands.dtype, **kind, **place
        ) as dataset:
            dataset.write(bands)
        return memory.read()


def coloured(classes: NDArray[np.uint8], colours: NDArray[np.uint8] = COLOURS) -> NDArray[np.uint8]:
    """(3, height, width)"""
    return np.moveaxis(colours[classes], 2, 0)


def picture(pixels: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    """pixels: (height, width) or (height, width, 3)."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, kind, **({"quality": 100} if kind == "JPEG" else {}))
    return buffer.getvalue()


def archive(members: Members) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def write(folder: Path, files: Members) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


# Vaihingen

PARTICIPANTS = (*vaihingen.AREAS["train"], 30)


def vaihingen_cut(area: int) -> Cut:
    return cut(area, 72 + area % 3, 88 - area % 4)


def vaihingen_archives() -> Members:
    top, ground_truth, eroded = dict[str, bytes](), dict[str, bytes](), dict[str, bytes]()
    for area in (number for numbers in vaihingen.AREAS.values() for number in numbers):
        part = vaihingen_cut(area)
        place = ("EPSG:32632", Affine(0.09, 0, 496_000 + area, 0, -0.09, 5_420_000))
        name, labels = f"top_mosaic_09cm_area{area}", tiff(coloured(part.classes))
        top[f"top/{name}.tif"] = tiff(part.image[[3, 0, 1]], *place)
        top[f"dsm/dsm_09cm_matching_area{area}.tif"] = tiff(part.heights[None] + np.float32(260), *place)
        ground_truth[f"{name}.tif"] = labels
        eroded[f"{name}_noBoundary.tif"] = tiff(coloured(part.eroded))
        if area in PARTICIPANTS:
            top[f"gts_for_participants/{name}.tif"] = labels
    base = "ISPRS_semantic_labeling_Vaihingen"
    return {
        f"{base}.zip": archive(top),
        f"{base}_ground_truth_COMPLETE.zip": archive(ground_truth),
        f"{base}_ground_truth_eroded_COMPLETE.zip": archive(eroded),
    }


# Potsdam

POTSDAM_SIDE = 80
POTSDAM_FOLDERS = (
    "1_DSM",
    "1_DSM_normalisation",
    "2_Ortho_RGB",
    "3_Ortho_IRRG",
    "4_Ortho_RGBIR",
    "5_Labels_all",
    "5_Labels_all_noBoundary",
)


def potsdam_cut(name: str) -> Cut:
    row, col = map(int, name.split("_"))
    return cut(7 * row + col, POTSDAM_SIDE, POTSDAM_SIDE)


def potsdam_world(name: str) -> Affine:
    row, col = map(int, name.split("_"))
    return Affine(0.05, 0, 366_000 + 300 * col, 0, -0.05, 5_808_000 - 300 * row)


def _world_file(transform: Affine) -> bytes:
    t = transform
    centre = (t.c + t.a / 2, t.f + t.e / 2)
    return "\n".join(map(str, (t.a, t.d, t.b, t.e, *centre))).encode()


def potsdam_labels(name: str, classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(3, height, width), with the publisher's two faults."""
    colours = COLOURS.copy()
    if name == "6_7":
        colours[4] = (252, 255, 0)
    given = coloured(classes, colours)
    if name == "4_12":
        noise = np.random.default_rng(0).integers(0, 34, given.shape)
        given = np.where(given > 127, given - noise, given + noise).astype(np.uint8)
    return given


def potsdam_folders() -> dict[str, Members]:
    """By name without `.zip`."""
    folders: dict[str, Members] = {name: {} for name in POTSDAM_FOLDERS}
    for name in (*potsdam.SCENES, potsdam.WRONG):
        part, transform = potsdam_cut(name), potsdam_world(name)
        for folder, kind, order in (
            ("2_Ortho_RGB", "RGB", [0, 1, 2]),
            ("3_Ortho_IRRG", "IRRG", [3, 0, 1]),
            ("4_Ortho_RGBIR", "RGBIR", [0, 1, 2, 3]),
        ):
            path = f"{folder}/top_potsdam_{name}_{kind}"
            folders[folder][f"{path}.tif"] = tiff(part.image[order], "EPSG:32633", transform)
            folders[folder][f"{path}.tfw"] = _world_file(transform)
        labels = f"top_potsdam_{name}_label"
        folders["5_Labels_all"][f"{labels}.tif"] = tiff(potsdam_labels(name, part.classes))
        folders["5_Labels_all_noBoundary"][f"{labels}_noBoundary.tif"] = tiff(potsdam_labels(name, part.eroded))
        row, col = map(int, name.split("_"))
        width = POTSDAM_SIDE - (name == "3_13")
        heights, surface = part.heights[:, :width], f"dsm_potsdam_{row:02}_{col:02}"
        folders["1_DSM"][f"1_DSM/{surface}.tif"] = tiff(heights[None] + np.float32(30), "EPSG:32633", transform)
        for method in ("lastools", "ownapproach"):
            path = f"1_DSM_normalisation/{surface}_normalized_{method}.jpg"
            folders["1_DSM_normalisation"][path] = picture((heights * 10).clip(0, 255).astype(np.uint8), "JPEG")
    return folders


def potsdam_archives(nested: bool) -> Members:
    archives = {f"{name}.zip": archive(members) for name, members in potsdam_folders().items()}
    return {"Potsdam.zip": archive({f"Potsdam/{n}": c for n, c in archives.items()})} if nested else archives


# UAVid and LoveDA

PARTS = {"train": "train", "validation": "val", "test": "test"}
UAVID_COLOURS = np.array(uavid.LEGEND.legend.colours, np.uint8)
UAVID_CLASSES = np.array([2, 1, 5, 4, 3, 0], np.uint8)
"""Of the town's classes."""


def uavid_scenes() -> Iterator[tuple[str, int, str, Cut]]:
    """Split, sequence, frame, cut: two frames each of the first sequence of every split."""
    for split, part in PARTS.items():
        sequence = uavid.SEQUENCES[split][0]
        for frame in uavid.FRAMES[:2]:
            yield part, sequence, frame, cut(sequence + int(frame) // 100, 72, 128)


def uavid_archives() -> Members:
    parts: dict[str, Members] = {part: {} for part in PARTS.values()}
    for part, sequence, frame, c in uavid_scenes():
        folder = f"uavid_{part}/seq{sequence}"
        parts[part][f"{folder}/Images/{frame}.png"] = picture(np.moveaxis(c.image[:3], 0, 2))
        if part != "test":
            parts[part][f"{folder}/Labels/{frame}.png"] = picture(UAVID_COLOURS[UAVID_CLASSES[c.classes]])
    return {f"uavid_{part}.zip": archive(members) for part, members in parts.items()}


LOVEDA_VALUES = np.array([3, 2, 7, 6, 5, 0], np.uint8)
"""Of the town's classes; clutter is no data."""


def loveda_scenes() -> Iterator[tuple[str, str, int, Cut]]:
    """Split, area, number, cut."""
    for split, part in PARTS.items():
        numbers = loveda.IMAGES[split]
        for area, number in (("Rural", numbers[0]), ("Urban", numbers[-1])):
            yield part.capitalize(), area, number, cut(number % 97, 72, 72)


def loveda_archives() -> Members:
    parts: dict[str, Members] = {part.capitalize(): {} for part in PARTS.values()}
    for part, area, number, c in loveda_scenes():
        parts[part][f"{part}/{area}/images_png/{number}.png"] = picture(np.moveaxis(c.image[:3], 0, 2))
        if part != "Test":
            parts[part][f"{part}/{area}/masks_png/{number}.png"] = picture(LOVEDA_VALUES[c.classes])
    return {f"{part}.zip": archive(members) for part, members in parts.items()}
