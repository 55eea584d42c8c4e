"""One process at a time works in a folder."""

import os
from pathlib import Path

from manet.errors import OutputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class FolderLock:
    """A lock that is dropped when it is released or no longer used, and by the system when its process ends, however it
    ends. On Windows it locks nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock, and make the folder where it is missing. Nothing is done where the lock is held already.

        Raises:
            OutputError: Another process holds it, or the folder cannot be written.
        """
        if self._file is not None or fcntl is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be written ({error.strerror}); check the folder") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            raise OutputError(
                f"another process works in {self.folder}; wait until it has finished, or give other outputs"
            ) from None
        self._file = file

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __del__(self) -> None:
        self.release()
