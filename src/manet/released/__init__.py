"""Trained networks that come with manet, each with its model card: NAME.safetensors and NAME.md in this folder."""

import difflib
from pathlib import Path

from manet.errors import CheckpointError

FOLDER = Path(__file__).parent


def released() -> dict[str, Path]:
    """Their checkpoints by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.safetensors"))}


def released_model(name: str) -> Path:
    """The checkpoint of a released model. Raises CheckpointError, with the names there are, for any other."""
    models = released()
    if name not in models:
        near = difflib.get_close_matches(name, models, n=1, cutoff=0.0)
        nearest = f" (nearest: {near[0]})" if near else ""
        raise CheckpointError(f"no released model '{name}'; there is {', '.join(models) or 'none'}{nearest}")
    return models[name]
