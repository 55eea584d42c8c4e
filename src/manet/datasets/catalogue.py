"""Datasets that can be fetched: from where, which files, how large, with which checksums, and under which licence."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from manet.errors import DatasetError
from manet.files import choices


@dataclass(frozen=True)
class RemoteFile:
    """A file of a dataset."""

    path: str
    """Relative to the dataset's folder, and to its address."""
    size: int
    """Bytes."""
    sha256: str


@dataclass(frozen=True)
class RemoteDataset:
    """A dataset with a stable address."""

    name: str
    title: str
    url: str
    attribution: str

    @property
    def remote_files(self) -> tuple[RemoteFile, ...]:
        """All files that the dataset consists of."""
        return _listing(self.name)


REMOTE_DATASETS = {
    dataset.name: dataset
    for dataset in (
        RemoteDataset(
            name="banepa",
            title="Banepa, Nepal: drone orthophoto at 13 cm with building outlines",
            url="https://raw.githubusercontent.com/hotosm/fAIr-models/95f0727e8fb05816c1544766e8039f5237c3867d/",
            attribution="Imagery: OpenAerialMap (HOTOSM fAIr-models), CC-BY-4.0. "
            "Outlines: OpenStreetMap contributors, ODbL.",
        ),
    )
}


def remote_dataset(name: str) -> RemoteDataset:
    """A dataset that can be fetched, by name. Raises DatasetError for an unknown name."""
    if name not in REMOTE_DATASETS:
        raise DatasetError(f"no dataset '{name}' to fetch; expected one of {choices(name, REMOTE_DATASETS)}")
    return REMOTE_DATASETS[name]


@cache
def _listing(name: str) -> tuple[RemoteFile, ...]:
    """Read the listing in this folder: one file per line with its SHA-256, size and path."""
    lines = files("manet.datasets").joinpath(f"{name}.sha256").read_text(encoding="utf-8").splitlines()
    rows = (line.split(maxsplit=2) for line in lines)
    return tuple(RemoteFile(path=path, size=int(size), sha256=digest) for digest, size, path in rows)
