"""Reading the areas of a split."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from manet.datasets.manifest import Area, SceneEntry
from manet.raster.scene import Scene


def read_areas(
    folder: Path, scenes: tuple[SceneEntry, ...], areas: tuple[Area, ...], what: Literal["image", "given_labels"]
) -> Iterator[tuple[NDArray[np.generic], NDArray[np.bool_]]]:
    """Read areas window by window, each pixel once.

    Args:
        folder: Folder of the prepared dataset.
        scenes: The dataset's scenes.
        areas: Windows of these scenes.
        what: Whether images or labels are read. Areas of scenes without labels are left out.

    Yields:
        Values (bands, height, width), and which pixels are valid (height, width).
    """
    paths = {scene.name: folder / path for scene in scenes if (path := getattr(scene, what)) is not None}
    for area in areas:
        if area.scene in paths:
            with Scene(paths[area.scene]) as scene:
                for window in area.tiles():
                    yield scene.read(window)
