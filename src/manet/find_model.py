"""Which file the name of a model stands for."""

from pathlib import Path

from manet.errors import CheckpointNotFoundError
from manet.files import choices
from manet.released import released

BEST = "best.safetensors"
"""The checkpoint in the folder of a run."""


def find_model(model: str | Path) -> Path:
    """The checkpoint, or the folder of graphs, that a name or a path stands for.

    Raises:
        CheckpointNotFoundError: There is no such file, and no released model of that name.
    """
    path, names = Path(model), released()
    if (path / BEST).is_file():
        return path / BEST
    if path.exists():
        return path
    if str(model) in names:
        return names[str(model)]
    if path.suffix or len(path.parts) > 1:
        raise CheckpointNotFoundError(
            f"no checkpoint at {path}; give a .safetensors file, the folder of a run or of an export, or the name of a "
            f"released model ({', '.join(names)})"
        )
    raise CheckpointNotFoundError(
        f"no released model '{model}', and no file of that name; there is {choices(str(model), names)}"
    )
