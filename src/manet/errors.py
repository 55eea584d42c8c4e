"""What can go wrong by a user's hand.

Every error says in one line what was got, what was expected and what to do. `manet` prints that line and exits with
status 2; nothing half-written is left behind.
"""


class ManetError(Exception):
    """Root of all errors raised for users."""


class RecipeError(ManetError):
    """A recipe has an unknown key, a value out of range, or names something that does not exist."""


class SceneError(ManetError):
    """An image is missing, truncated, no image at all, or of the wrong size or bands."""


class OutputError(ManetError):
    """An output exists already, or its folder cannot be written."""


class DatasetError(ManetError):
    """A source, a manifest, a split or labels are not as they must be."""


class DownloadError(ManetError):
    """A file could not be fetched, or its checksum is not the pinned one."""


class CheckpointError(ManetError):
    """A checkpoint is missing, corrupt, or does not fit what it is used for."""


class NetworkError(ManetError):
    """A network or encoder is unknown, or cannot do what was asked of it."""


class TrainingError(ManetError):
    """A run cannot start, or had to stop."""


class ExportError(ManetError):
    """A network cannot be exported as asked, or the exported one differs from it."""
