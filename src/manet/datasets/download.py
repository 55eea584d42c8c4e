"""Fetching datasets: the only place that opens outbound connections."""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from manet.datasets.catalogue import RemoteFile, Source
from manet.errors import DownloadError

TIMEOUT_S = 30
CHUNK = 1 << 16
MIRROR = "MANET_MIRROR"
"""Environment variable with a folder that stands in for the network."""


def fetch(
    source: Source, folder: Path, mirror: Path | None = None, advance: Callable[[int], None] = lambda size: None
) -> None:
    """Bring all files of a dataset into `folder`. What is there and whole is kept, what is in part is continued.

    mirror: a folder with the dataset's folder in it, instead of the network (also MANET_MIRROR).
    advance: called with the number of bytes that were got or found.
    Raises DownloadError where a file cannot be had or has another checksum than the pinned one.
    """
    if mirror is None and os.environ.get(MIRROR):
        mirror = Path(os.environ[MIRROR])
    for file in source.remote_files:
        target = folder / file.path
        if not _whole(target, file):
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f"{target.name}.partial")
            if mirror is not None:
                _copy(mirror / source.name / file.path, partial)
            else:
                _download(source.url + file.path, partial)
            if not _whole(partial, file):
                partial.unlink()
                raise DownloadError(
                    f"{file.path} has another checksum than the one pinned for '{source.name}'; "
                    "the source has changed or the transfer failed: try again, or use a mirror"
                )
            os.replace(partial, target)
        advance(file.size)


def _whole(path: Path, file: RemoteFile) -> bool:
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256


def _copy(origin: Path, partial: Path) -> None:
    if not origin.is_file():
        raise DownloadError(f"the mirror has no {origin}; give a folder that holds the dataset's own, such as banepa/")
    shutil.copyfile(origin, partial)


def _download(url: str, partial: Path) -> None:
    """Continues a file that is there in part, if the server lets it."""
    have = partial.stat().st_size if partial.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        with urlopen(Request(url, headers=headers), timeout=TIMEOUT_S) as response:
            mode = "ab" if have and response.status == 206 else "wb"
            with partial.open(mode) as stream:
                shutil.copyfileobj(response, stream, CHUNK)
    except HTTPError as error:
        if error.code == 416:  # all of it is there already; the checksum decides
            return
        raise DownloadError(f"{url} answers {error.code} {error.reason}; try again, or use --mirror") from error
    except (URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise DownloadError(f"{url} cannot be reached ({reason}); try again, or give a folder with --mirror") from error
