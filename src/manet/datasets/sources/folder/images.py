"""The images of a folder, which must be alike."""

import unicodedata
from pathlib import Path

from manet.errors import DatasetError, DatasetNotFoundError
from manet.progress import Progress
from manet.raster.collar import Colour, find_collar
from manet.raster.scene import Scene

RASTERS = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".jp2", ".vrt", ".img", ".bmp", ".gif")
TYPES = ("uint8", "uint16", "int16", "float32")
SQUARE = 1.1
"""Pixels whose sides differ by more than this factor are not square."""

GSD_TOLERANCE = 0.05
"""Largest relative difference between the ground sampling distances of images."""


def find_files(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """The files of a folder with certain endings, by their names without the ending.

    Raises:
        DatasetNotFoundError: There is no such folder.
        DatasetError: Two files differ only in their endings.
    """
    if not folder.is_dir():
        raise DatasetNotFoundError(f"no folder {folder}; give the one that holds the files")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in suffixes and not path.name.startswith("."):
            name = unicodedata.normalize("NFC", path.stem)  # macOS keeps an umlaut as two characters
            if name in found:
                raise DatasetError(f"{found[name]} and {path.name} have one name; rename or remove one of them")
            found[name] = path
    return found


def find_scenes(folder: Path) -> dict[str, Scene]:
    """The images of a folder by name.

    Raises:
        DatasetNotFoundError: There is no such folder, or it holds no images.
        SceneError: A file is not an image.
    """
    paths = find_files(folder, RASTERS)
    if not paths:
        raise DatasetNotFoundError(f"{folder} has no images ({', '.join(RASTERS)}); give the folder that holds them")
    return {name: Scene(path) for name, path in paths.items()}


def without_collars(scenes: dict[str, Scene], colour: Colour, progress: Progress) -> dict[str, Scene]:
    """The scenes with their frames as nodata. Raises SceneError as `find_collar` does."""
    found, shares, colours = dict[str, Scene](), [], dict[str, None]()
    for name, scene in scenes.items():
        collar = find_collar(scene, colour)
        scene.close()
        found[name] = scene if collar is None else scene.without(collar.covers)
        if collar is not None:
            shares.append(collar.share)
            colours |= dict.fromkeys(collar.colours)
    if shares:
        progress.note(
            f"frames taken for nodata (collar: keep leaves them): {len(shares)} of {len(scenes)} images, "
            f"{' and '.join(colours)}, {100 * sum(shares) / len(shares):.2g} % of their pixels"
        )
    return found


def check_alike(scenes: dict[str, Scene], progress: Progress) -> tuple[str, ...]:
    """Check that images can be one dataset.

    Args:
        scenes: Images by name.
        progress: Told what they have in common.

    Returns:
        The names of the bands.

    Raises:
        DatasetError: Images have different bands, number types or ground sampling distances, or a type that cannot be
            used.
    """
    first = next(iter(scenes.values()))
    if "palette" in first.band_names or first.dtype not in TYPES:
        kind = "colours of a palette" if "palette" in first.band_names else f"values of type {first.dtype}"
        raise DatasetError(f"{first.path} has {kind}; expected {', '.join(TYPES)}: convert it with gdal_translate")
    for scene in scenes.values():
        if scene.orientation != 1:
            raise DatasetError(
                f"{scene.path} is stored turned (EXIF orientation {scene.orientation}), which viewers undo and GDAL "
                "does not, so labels may have been drawn on other pixels; turn its pixels (mogrify -auto-orient)"
            )
    if any(scene.is_scaled for scene in scenes.values()):
        progress.note("images name a scale or an offset for their values, which is not applied: they are as stored")
    gsd_m = first.gsd_m()
    for scene in scenes.values():
        if other := _difference(scene, first, gsd_m):
            raise DatasetError(
                f"{other}; the images of one dataset must be alike: convert it, or prepare it separately"
            )
    names = tuple(first.band_names)
    if len(set(names)) < len(names) or _is_unnamed(first.band_names):
        names = tuple(f"band {number}" for number in range(1, len(names) + 1))
    ground = f"{gsd_m:.3g} m per pixel" if gsd_m else "no CRS"
    progress.note(f"images: {len(scenes)} of type {first.dtype}, bands {', '.join(names)}, {ground}")
    pixel = first.pixel_m()
    if pixel and max(pixel) > SQUARE * min(pixel):
        progress.warn(
            f"pixels are not square on the ground, {pixel[0]:.3g} x {pixel[1]:.3g} m (width x height): what is learnt "
            "is stretched; warp the images to a projected CRS first (gdalwarp -t_srs EPSG:...)"
        )
    if first.has_alpha:
        progress.note(
            "the alpha band says which pixels are valid; if it is imagery, use gdal_edit -colorinterp_4 undefined"
        )
    return names


def _difference(scene: Scene, first: Scene, gsd_m: float | None) -> str:
    """What is different between a scene and the first one, in words; empty if they are alike."""
    got = scene.gsd_m()
    if scene.bands != first.bands:
        mine, its = f"{scene.bands} bands", f"{first.bands}"
    elif scene.dtype != first.dtype:
        mine, its = f"{scene.dtype} values", first.dtype
    elif not _is_unnamed(scene.band_names + first.band_names) and scene.band_names != first.band_names:
        mine, its = f"the bands {', '.join(scene.band_names)}", ", ".join(first.band_names)
    elif (got is None) != (gsd_m is None):
        mine, its = ("no CRS", "one") if got is None else ("a CRS", "none")
    elif got and gsd_m and abs(got / gsd_m - 1) > GSD_TOLERANCE:
        mine, its = f"{got:.3g} m per pixel", f"{gsd_m:.3g} m"
    else:
        return ""
    return f"{scene.path} has {mine}, {first.path} has {its}"


def _is_unnamed(names: list[str]) -> bool:
    """Whether a band's name says nothing."""
    return bool({"undefined", "gray"} & set(names))
