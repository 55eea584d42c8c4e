"""Every source of training data, by name: folders of one's own, and published datasets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from manet.datasets.manifest import Manifest
from manet.datasets.sources import banepa, dubai, folder, loveda, uavid
from manet.datasets.sources.isprs import potsdam, vaihingen
from manet.datasets.sources.published import PublicationSettings
from manet.datasets.sources.settings import SourceSettings, read_settings
from manet.datasets.sources.town import prepare as town
from manet.errors import DatasetError, OptionError, OutputError
from manet.files import choices
from manet.progress import QUIET, Progress


@dataclass(frozen=True)
class Preparation:
    """How a source is prepared."""

    prepare: Callable[..., Manifest]
    """(source, out, settings, overwrite=..., progress=...); `source` is None for a source without files."""
    settings: type[SourceSettings] = SourceSettings
    has_files: bool = True


SOURCES = {
    "folder": Preparation(folder.prepare, folder.FolderSettings),
    "banepa": Preparation(banepa.prepare),
    "dubai": Preparation(dubai.prepare),
    "vaihingen": Preparation(vaihingen.prepare, vaihingen.VaihingenSettings),
    "potsdam": Preparation(potsdam.prepare, potsdam.PotsdamSettings),
    "uavid": Preparation(uavid.prepare, PublicationSettings),
    "loveda": Preparation(loveda.prepare, PublicationSettings),
    "town": Preparation(town.prepare, town.TownSettings, has_files=False),
}


def prepare_source(
    name: str,
    out: str | Path,
    source: str | Path | None = None,
    *,
    overwrite: bool = False,
    progress: Progress = QUIET,
    **settings: object,
) -> Manifest:
    """Bring a source into the one form that training and evaluation read.

    Example:
        >>> manet.prepare("folder", "data/mine", "photos", legend="buildings", split="file")  # doctest: +SKIP

    Args:
        name: "folder" for your own images and labels; "banepa", "dubai", "vaihingen", "potsdam", "uavid" or "loveda"
            for a published dataset; "town" for a generated scene.
        out: Folder of the prepared dataset.
        source: Folder with the source's files; None for the town.
        overwrite: Whether a dataset that is in `out` is replaced.
        progress: Told of every step.
        settings: The source's own settings. They are the fields of FolderSettings (labels, legend, attribute, area,
            outside_polygons, split, seed, stray), VaihingenSettings (height), PotsdamSettings (bands, height,
            keep_7_10) and TownSettings (height, width); the datasets with archives also have stray and
            incomplete.

    Returns:
        The manifest of what was written.

    Raises:
        OptionError: A setting is unknown, has a value that it cannot have, or does not go with others.
        DatasetNotFoundError: Files of the source are missing.
        DatasetError: There is no such source, or its files are not as they must be.
        SceneError: An image cannot be read.
        OutputError: There is a dataset in `out`, or it cannot be written.
    """
    if name not in SOURCES:
        raise DatasetError(f"no source '{name}'; expected one of {choices(name, SOURCES)}")
    preparation = SOURCES[name]
    chosen = read_settings(preparation.settings, name, settings)
    if source is None and preparation.has_files:
        raise OptionError(f"source '{name}' is made from files; give the folder that they are in", option="source")
    files = None if source is None else Path(source)
    _refuse_source(Path(out), [files, *(value for value in settings.values() if isinstance(value, Path))])
    return preparation.prepare(files, Path(out), chosen, overwrite=overwrite, progress=progress)


def _refuse_source(out: Path, read: Sequence[Path | None]) -> None:
    """Raises OutputError where the prepared dataset would lie on what it is made from, which would be replaced."""
    for path in read:
        if path is not None and path.exists() and path.resolve().is_relative_to(out.resolve()):
            raise OutputError(f"{path} lies in the output {out}, where it could be replaced; give another folder")
