"""Choosing where a network runs."""

import torch

from manet.errors import NetworkError


def choose_device(name: str) -> torch.device:
    """`auto` takes the accelerator if there is one. Raises NetworkError for a device that is not there."""
    if name == "auto":
        return (
            torch.accelerator.current_accelerator() or torch.device("cpu")
            if torch.accelerator.is_available()
            else torch.device("cpu")
        )
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(name):
        raise NetworkError(
            f"no device '{name}' here; there is {', '.join(d for d, is_there in there.items() if is_there)}"
        )
    return torch.device(name)
