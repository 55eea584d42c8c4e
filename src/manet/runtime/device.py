"""Where PyTorch computes."""

import torch

from manet.errors import NetworkError


def choose_device(name: str) -> torch.device:
    """A device by name.

    Args:
        name: cpu, cuda, mps, or auto, which takes the accelerator if there is one.

    Raises:
        NetworkError: There is no such device.
    """
    if name == "auto":
        accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        return accelerator or torch.device("cpu")
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(name):
        raise NetworkError(f"no device '{name}' here; there is {', '.join(d for d, found in there.items() if found)}")
    return torch.device(name)
