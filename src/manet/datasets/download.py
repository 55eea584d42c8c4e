"""Fetching datasets; only this file opens connections to other machines."""

import os
import shutil
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from manet.datasets.catalogue import RemoteDataset, RemoteFile
from manet.errors import DownloadError
from manet.files import sha256
from manet.progress import QUIET, Progress

TIMEOUT_S = 30
CHUNK = 1 << 16
MIRROR = "MANET_MIRROR"
"""Environment variable with a folder that is used instead of the network."""


def fetch(dataset: RemoteDataset, folder: Path, mirror: Path | None = None, progress: Progress = QUIET) -> None:
    """Bring all files of a dataset into a folder.

    Files that are there and complete are kept, and those that are there in part are continued.

    Args:
        dataset: What to fetch; see `remote_dataset`.
        folder: Where its files go.
        mirror: A folder that holds the dataset's folder and is used instead of the network; if None, that of the
            environment variable MANET_MIRROR, if there is one.
        progress: Told of the kilobytes that are there.

    Raises:
        DownloadError: A file cannot be had, or its checksum is not the pinned one.
    """
    if mirror is None and os.environ.get(MIRROR):
        mirror = Path(os.environ[MIRROR])
    done, total = 0, sum(file.size for file in dataset.remote_files)
    for file in dataset.remote_files:
        target = folder / file.path
        if not _is_whole(target, file):
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f"{target.name}.partial")
            if mirror is not None:
                _copy(mirror / dataset.name / file.path, partial)
            else:
                _download(dataset.url + file.path, partial)
            if not _is_whole(partial, file):
                partial.unlink()
                raise DownloadError(
                    f"{file.path} has another checksum than the one pinned for '{dataset.name}'; "
                    "the source has changed or the transfer failed: try again, or use a mirror",
                    option="mirror",
                )
            os.replace(partial, target)
        done += file.size
        progress.count(f"fetching {dataset.name} (kB)", done // 1000, total // 1000)


def _is_whole(path: Path, file: RemoteFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size and sha256(path) == file.sha256


def _copy(origin: Path, partial: Path) -> None:
    if not origin.is_file():
        raise DownloadError(
            f"the mirror has no {origin}; give a folder that holds the dataset's own folder, such as banepa/",
            option="mirror",
        )
    shutil.copyfile(origin, partial)


def _download(url: str, partial: Path) -> None:
    """Download a file, or the rest of one that is there in part if the server allows it."""
    have = partial.stat().st_size if partial.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        with urlopen(Request(url, headers=headers), timeout=TIMEOUT_S) as response:
            mode = "ab" if have and response.status == 206 else "wb"
            with partial.open(mode) as stream:
                shutil.copyfileobj(response, stream, CHUNK)
    except HTTPError as error:
        if error.code == 416:  # there is nothing left to download; the checksum decides
            return
        raise DownloadError(
            f"{url} answers {error.code} {error.reason}; try again, or use a mirror", option="mirror"
        ) from error
    except (URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise DownloadError(
            f"{url} cannot be reached ({reason}); try again, or use a mirror, a folder with the dataset",
            option="mirror",
        ) from error
