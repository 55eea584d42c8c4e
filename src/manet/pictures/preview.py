"""The preview of a map: the image and its map side by side."""

from pathlib import Path

from manet.errors import OutputError
from manet.legend import IGNORED, Legend
from manet.pictures.colours import NOTHING, colourise, fill, legend_key, stretch
from manet.pictures.panels import write_panels
from manet.raster.reduced import read_classes, read_colours
from manet.raster.scene import Scene

PIXELS = 1000
"""Largest height and width of a picture that shows a whole scene."""


def check_preview_file(path: Path) -> None:
    """Raises OutputError if a preview cannot be written under this name."""
    if path.suffix.lower() != ".png":
        raise OutputError(f"got the preview {path}; previews are PNG files: give a name that ends in .png")


def write_preview(
    scene: str | Path, classes: str | Path, legend: Legend, out: Path, *, overwrite: bool = False
) -> None:
    """Write a PNG of a scene and its map, each reduced to at most 1000 pixels, with the legend and a scale bar.

    Memory does not depend on the scene's size. Overviews are read if there are any.

    Args:
        scene: The image.
        classes: Its map on the same grid, of class indices.
        legend: The map's classes.
        out: File to write, .png.
        overwrite: Replace a file that is there.

    Raises:
        SceneError: The image or the map cannot be read.
        OutputError: `out` exists and is not to be replaced, or cannot be written.
    """
    check_preview_file(out)
    with Scene(classes) as place:
        window, size = place.window, place.pixel_m()
    image, map_ = read_colours(scene, window, PIXELS), read_classes(classes, window, PIXELS)
    key = legend_key(legend)
    if (map_ == IGNORED).any():
        key.append((NOTHING, "no data"))
    factor = window.width / map_.shape[1]
    write_panels(
        out,
        {"image": fill(stretch(image)), "map": colourise(map_, legend)},
        title=Path(scene).name,
        key=key,
        pixel_m=None if size is None else (size[0] * factor, size[1] * window.height / map_.shape[0]),
        overwrite=overwrite,
    )
