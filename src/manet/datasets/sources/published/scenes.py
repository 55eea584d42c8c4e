"""A scene of a publication: its files are checked where they are, and unpacked and read when the scene is written."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.datasets.label_classes import Classes, LabelWindow, is_by_colour, look_up, read_classes
from manet.datasets.legend_file import LegendFile
from manet.datasets.prepare import ReadLabels, SourceScene
from manet.datasets.sources.published.archives import SourceFile, SourceFolder
from manet.datasets.sources.published.publication import NAMES, Height, Publication, Role
from manet.datasets.strays import StrayChoice, Strays
from manet.errors import DatasetError, SceneError
from manet.progress import Progress
from manet.raster.label_raster import LabelRaster
from manet.raster.scene import Scene
from manet.raster.windows import Window

SHORT = 1
"""How many rows or columns heights may lack, as those of Potsdam's 3_13 do."""

ADVICE = "get the archive again, or have such pixels ignored"


def open_scene(
    publication: Publication,
    folder: SourceFolder,
    name: str,
    files: dict[Role, SourceFile],
    stray: StrayChoice,
    progress: Progress,
) -> SourceScene:
    """Look at the files of a scene; only their sizes are read yet.

    Args:
        publication: What the dataset consists of.
        folder: What the files are unpacked with.
        name: The scene's name.
        files: Its files.
        stray: What happens to labels that the legend does not know.
        progress: Told of labels that are rounded or ignored when the scene is read.

    Raises:
        SceneError: A file is not an image.
        DatasetError: A file does not have the image's size, or the image has other bands than expected.
    """
    paths: dict[Role, str] = {role: file.gdal_path for role, file in files.items()}
    with _named(files, paths):
        image = Scene(paths["image"], alpha=False)
        others: dict[Role, Scene] = {
            role: LabelRaster(path) if role in ("labels", "eroded") else Scene(path)
            for role, path in paths.items()
            if role != "image"
        }
    expected = publication.bands[:-1] if "height" in files else publication.bands
    if image.bands != len(expected) or image.dtype != "uint8":
        raise DatasetError(
            f"{files['image'].place} has {image.bands} bands of {image.dtype}, expected {len(expected)} of uint8 "
            f"({', '.join(expected)}); get it again"
        )
    for role, other in others.items():
        short = SHORT if role == "height" else 0
        if not (0 <= image.height - other.height <= short and 0 <= image.width - other.width <= short):
            raise DatasetError(
                f"{files[role].place} has {other.height} x {other.width} pixels, its image {files['image'].place} has "
                f"{image.height} x {image.width}; get both again"
            )
    reading = _Reading(publication, folder, name, files, stray, progress)
    return SourceScene(
        name=name,
        height=image.height,
        width=image.width,
        dtype="uint8",
        crs=image.crs,
        transform=image.transform,
        image=reading.image,
        labels=reading.labels("labels") if "labels" in files else None,
        eroded=reading.labels("eroded") if "eroded" in files else None,
        opened=reading.opened,
        stamp=_stamp(publication, files, stray),
    )


def _stamp(publication: Publication, files: dict[Role, SourceFile], stray: StrayChoice) -> str:
    """Stands for everything that the scene is made from."""
    parts = [version("manet"), stray, *publication.bands, publication.legend.model_dump_json()]
    parts += [f"{role} {file.name} {file.stamp}" for role, file in sorted(files.items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@contextmanager
def _named(files: Mapping[Role, SourceFile], paths: Mapping[Role, str | Path]) -> Iterator[None]:
    """A context whose errors name files as people know them instead of by the paths that GDAL reads."""
    try:
        yield
    except SceneError as error:
        for role, path in paths.items():
            if str(path) in str(error):
                raise SceneError(str(error).replace(str(path), files[role].place)) from error
        raise


class _Reading:
    """The files of a scene while it is prepared."""

    def __init__(
        self,
        publication: Publication,
        folder: SourceFolder,
        name: str,
        files: dict[Role, SourceFile],
        stray: StrayChoice,
        progress: Progress,
    ) -> None:
        """See `open_scene`."""
        self._publication, self._folder, self._name, self._files = publication, folder, name, files
        self._stray, self._progress = stray, progress
        self._image: Scene | None = None
        self._height: Height | None = None
        self._labels: dict[Role, LabelRaster] = {}
        self._strays: dict[Role, Strays] = {}
        self._rounded = 0

    @contextmanager
    def opened(self) -> Iterator[None]:
        """A context in which the scene can be read.

        Raises:
            DatasetError: At its end, labels held what the legend does not know, and that is refused.
        """
        with ExitStack() as stack:
            paths: dict[Role, Path] = {
                role: stack.enter_context(self._folder.unpacked(file)) for role, file in self._files.items()
            }
            with _named(self._files, paths):
                self._open(paths, stack)
                yield
            self._settle()

    def _open(self, paths: dict[Role, Path], stack: ExitStack) -> None:
        self._image = stack.enter_context(Scene(paths["image"], alpha=False))
        if "height" in paths and self._publication.open_height is not None:
            self._height = stack.enter_context(closing(self._publication.open_height(paths["height"])))
        for role in ("labels", "eroded"):
            if role in paths:
                self._labels[role] = stack.enter_context(LabelRaster(paths[role]))
                self._strays[role] = Strays()
        self._rounded = 0

    def image(self, window: Window) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        """The image (bands, height, width) of a window, and which pixels are valid (height, width)."""
        assert self._image is not None
        image, valid = self._image.read(window)
        if self._height is not None:
            image = np.concatenate([image, self._height.read(window)[None]])
        return image, valid

    def labels(self, role: Role) -> ReadLabels:
        """What reads the labels of a role."""

        def read(window: Window) -> Classes:
            raster, legend = self._labels[role], self._publication.legend
            if self._name in self._publication.off_colour:
                found, rounded = read_rounded(raster, legend, window)
                self._rounded += rounded
            else:
                found = read_classes(raster, legend, window)
            self._strays[role].add(found, window, self._files[role].place, is_by_colour(raster, legend))
            return found.classes

        return read

    def _settle(self) -> None:
        if self._rounded:
            self._progress.note(
                f"scene '{self._name}': the colours of {self._rounded} labels are only close to those of a class; each "
                "channel was rounded to 0 or 255"
            )
        for role, strays in self._strays.items():
            if self._stray == "refuse":
                strays.refuse(ADVICE)
            elif strays.counts:
                self._progress.note(
                    f"scene '{self._name}', {NAMES[role]}: ignored, since the legend does not know it: "
                    f"{strays.listed()}"
                )


def read_rounded(raster: LabelRaster, legend: LegendFile, window: Window) -> tuple[LabelWindow, int]:
    """Read a window of labels whose colours are off: each channel is rounded to 0 or 255.

    Returns:
        What the window holds, and how many pixels had another colour.
    """
    given, known = raster.read_colours(window)
    codes = (given >> 7 & 0x010101) * 0xFF
    return look_up(codes, known, legend.by_colour()), int(np.count_nonzero((codes != given) & known))
