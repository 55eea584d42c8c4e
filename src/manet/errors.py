"""What can go wrong by a user's hand.

Every error says in one line what was got, what was expected and what to do. `manet` prints that line and exits with
status 2; nothing half-written is left behind. Errors about what Python has an error for are that error too: a missing
file is a FileNotFoundError, a wrong option a ValueError.
"""


class ManetError(Exception):
    """Root of all errors raised for users.

    Attributes:
        option: The setting that is wrong or that would help, by its name in Python; None if there is none. The command
            line adds the flag of that name.
    """

    def __init__(self, message: str, *, option: str | None = None) -> None:
        super().__init__(message)
        self.option = option


class OptionError(ManetError, ValueError):
    """An option has a value that it cannot have, or several do not go together."""


class RecipeError(ManetError):
    """A recipe has an unknown key, a value out of range, or names something that does not exist."""


class RecipeNotFoundError(RecipeError, FileNotFoundError):
    """A recipe is not there."""


class SceneError(ManetError):
    """An image is missing, truncated, no image at all, or of the wrong size or bands."""


class SceneNotFoundError(SceneError, FileNotFoundError):
    """An image is not there."""


class OutputError(ManetError):
    """An output exists already, or its folder cannot be written."""


class DatasetError(ManetError):
    """A source, a manifest, a split or labels are not as they must be."""


class DatasetNotFoundError(DatasetError, FileNotFoundError):
    """A source, manifest or label file is not there."""


class SampleError(ManetError):
    """A sample of reference labels is not as it must be, or does not belong to the map."""


class SampleNotFoundError(SampleError, FileNotFoundError):
    """A sample is not there."""


class DownloadError(ManetError):
    """A file could not be fetched, or its checksum is not the pinned one."""


class CheckpointError(ManetError):
    """A checkpoint is missing, corrupt, or does not fit what it is used for."""


class CheckpointNotFoundError(CheckpointError, FileNotFoundError):
    """A checkpoint is not there."""


class NetworkError(ManetError):
    """A network or encoder is unknown, or cannot do what was asked of it."""


class TrainingError(ManetError):
    """A run cannot start, or had to stop."""


class ExportError(ManetError):
    """A network cannot be exported as asked, or the exported one differs from it."""


class MissingPackageError(ManetError, ImportError):
    """A package is needed that is not installed."""


class StatisticsWarning(UserWarning):
    """Imagery was given to a network whose band statistics do not belong to it: its map is likely to be wrong."""
