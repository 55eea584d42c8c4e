"""Datasets that can be fetched: where from, what files, how large, with which checksums, and under whose licence."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from manet.errors import DatasetError


@dataclass(frozen=True)
class RemoteFile:
    """A file of a dataset; the path is relative to the dataset's folder and to its URL alike."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Source:
    """A dataset with a stable address."""

    name: str
    title: str
    url: str
    attribution: str

    @property
    def remote_files(self) -> tuple[RemoteFile, ...]:
        return _listing(self.name)


SOURCES = {
    source.name: source
    for source in (
        Source(
            name="banepa",
            title="Banepa, Nepal: drone orthophoto at 13 cm with building outlines",
            url="https://raw.githubusercontent.com/hotosm/fAIr-models/95f0727e8fb05816c1544766e8039f5237c3867d/",
            attribution="Imagery: OpenAerialMap (HOTOSM fAIr-models), CC-BY-4.0. "
            "Outlines: OpenStreetMap contributors, ODbL.",
        ),
    )
}


def source(name: str) -> Source:
    """A fetchable dataset by name. Raises DatasetError with the list of names for any other."""
    if name not in SOURCES:
        raise DatasetError(f"no dataset '{name}' to fetch; there is {', '.join(SOURCES)}")
    return SOURCES[name]


@cache
def _listing(name: str) -> tuple[RemoteFile, ...]:
    """The listing beside this module: sha256, size and path, a file a line."""
    lines = files("manet.datasets").joinpath(f"{name}.sha256").read_text(encoding="utf-8").splitlines()
    rows = (line.split(maxsplit=2) for line in lines)
    return tuple(RemoteFile(path=path, size=int(size), sha256=digest) for digest, size, path in rows)
