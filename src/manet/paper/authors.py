"""The authors' released weights: their names for the parts of MANet, translated to ours."""

import re
import warnings
import zipfile
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor

from manet.card import Card
from manet.errors import CheckpointError, CheckpointNotFoundError
from manet.legend import Legend
from manet.networks import Network, build
from manet.recipe import NetworkSettings, Recipe

NAMES = (
    (r"(?:firstconv|backbone\.conv1)\.", "encoder.body.conv1."),
    (r"(?:firstbn|backbone\.bn1)\.", "encoder.body.bn1."),
    (r"(?:encoder|backbone\.layer)(\d)\.", "encoder.body.layer{0}."),
    (r"attention(\d)\.PAM\.query_conv\.", "refiners.{level}.kernel.query."),
    (r"attention(\d)\.PAM\.key_conv\.", "refiners.{level}.kernel.key."),
    (r"attention(\d)\.PAM\.value_conv\.", "refiners.{level}.kernel.value."),
    (r"attention(\d)\.PAM\.gamma", "refiners.{level}.kernel.gate"),
    (r"attention(\d)\.CAM\.gamma", "refiners.{level}.channel.gate"),
    (r"decoder1\.", "decoder.last."),
    (r"decoder(\d)\.", "decoder.blocks.{block}."),
    (r"finaldeconv1\.", "decoder.head.0."),
    (r"finalconv2\.", "decoder.head.2."),
    (r"finalconv3\.", "decoder.head.4."),
)
"""How their names begin, as patterns, and how ours do. `backbone` is in GeoSeg's copy of the authors' module."""

KNOWN_BY = "attention1.PAM.gamma"
"""A name that only the authors' module has; what stands before it is of the module that held it, such as `net.`."""

PARTS = {"conv1": "0", "norm1": "1", "deconv2": "3", "norm2": "4", "conv3": "6", "norm3": "7"}
"""The layers of a DeBlock, by their names and ours."""

BLOCKS: dict[tuple[int, ...], str] = {(2, 2, 2, 2): "resnet18", (3, 4, 6, 3): "resnet50", (3, 4, 23, 3): "resnet101"}
"""Encoders by the number of blocks at each of their four levels. ResNet-34 has as many as ResNet-50; see `_encoder`."""


def convert(path: Path, legend: Legend | None, mean: tuple[float, ...], std: tuple[float, ...]) -> tuple[Network, Card]:
    """A network of ours with its card, from a state dict of the authors' released module.

    Args:
        path: The state dict, .pth. No code in it is run.
        legend: The classes in the order in which they were trained; None to number them.
        mean: The mean by which each band is standardised before the weights see it, in the imagery's own values; one
            value stands for all bands.
        std: The standard deviation of each band, likewise.

    Raises:
        CheckpointNotFoundError: There is no such file.
        CheckpointError: It is no such state dict, or does not fit the legend.
    """
    state = _without_prefix(path, _read(path))
    ours = {_rename(name): tensor for name, tensor in state.items()}
    bands, classes = _shape(path, ours, "encoder.body.conv1.")[1], _shape(path, ours, "decoder.head.4.")[0]
    if legend is not None and len(legend) != classes:
        raise CheckpointError(
            f"{path} has {classes} classes, the legend {len(legend)}; give the one it was trained with"
        )
    encoder = _encoder(path, ours)
    network = build("manet", encoder=encoder, bands=bands, classes=classes)
    ours |= {name: tensor for name, tensor in network.state_dict().items() if name.startswith("band_")}
    try:
        network.load_state_dict(ours)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"{path} does not fit MANet with {encoder} ({reason}); expected the authors' MANet"
        ) from error
    means, stds = (values * bands if len(values) == 1 else values for values in (mean, std))
    if len(means) != bands or len(stds) != bands:
        raise CheckpointError(
            f"{path} has {bands} bands; got {len(mean)} means and {len(std)} deviations: give as many, or one"
        )
    network.set_statistics(means, stds)
    card = Card(
        recipe=Recipe(network=NetworkSettings(name="manet", encoder=encoder)),
        dataset=f"converted from {path.name}",
        legend=legend or _numbered(classes),
        bands=tuple(f"band {index + 1}" for index in range(bands)),
        dtype="float32",
        band_mean=means,
        band_std=stds,
        gsd_m=None,
        training_size=512,
        scores={},
        attribution="weights of the authors of MANet (Li et al. 2021)",
        version=version("manet"),
    )
    return network.eval(), card


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise CheckpointNotFoundError(f"no weights at {path}; give the .pth file of the authors' module")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the file may be TorchScript, which is said below
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle fails in any way
        raise CheckpointError(f"{path} {_why_unread(path, error)}") from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(
            f"{path} holds no state dict; expected names and tensors (torch.save(net.state_dict(), ...))"
        )
    return state


def _why_unread(path: Path, error: Exception) -> str:
    """What a file holds instead of plain weights. PyTorch's own words advise running the file's code."""
    state_dict = "where it was made, save its state dict: torch.save(net.state_dict(), FILE)"
    if pickled := re.search(r"GLOBAL ([\w.]+)", str(error)):
        return f"holds Python objects ({pickled[1]}), whose code is never run; {state_dict}"
    if "TorchScript" in str(error):
        return f"is a TorchScript archive, which is code; {state_dict}"
    if zipfile.is_zipfile(path):
        return f"is a zip archive, but not one of PyTorch's; {state_dict}"
    return f"cannot be read as plain weights (it is damaged, or no file of PyTorch's); get it again, or {state_dict}"


def _without_prefix(path: Path, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of the authors' module, without those of what held it and without its prefix."""
    prefixes = [name.removesuffix(KNOWN_BY) for name in state if name.endswith(KNOWN_BY)]
    if len(prefixes) != 1:
        found = "no" if not prefixes else f"{len(prefixes)} times"
        raise CheckpointError(f"{path} has {found} {KNOWN_BY}; expected a state dict of the authors' MANet module")
    return {name.removeprefix(prefixes[0]): tensor for name, tensor in state.items() if name.startswith(prefixes[0])}


def _shape(path: Path, ours: dict[str, Tensor], name: str) -> tuple[int, ...]:
    """The shape of a convolution's weights (out, in, height, width)."""
    weights = ours.get(f"{name}weight")
    if weights is None or weights.ndim != 4:
        raise CheckpointError(f"{path} lacks the weights of {name}; expected a state dict of the authors' MANet module")
    return tuple(weights.shape)


def _encoder(path: Path, ours: dict[str, Tensor]) -> str:
    counts = tuple(
        len({name.split(".")[3] for name in ours if name.startswith(f"encoder.body.layer{level}.")})
        for level in range(1, 5)
    )
    bottleneck = "encoder.body.layer1.0.conv3.weight" in ours
    if counts == (3, 4, 6, 3) and not bottleneck:
        return "resnet34"
    if counts not in BLOCKS:
        raise CheckpointError(f"{path} has {counts} blocks at its four levels; expected a ResNet-18, 34, 50 or 101")
    return BLOCKS[counts]


def _rename(name: str) -> str:
    for pattern, ours in NAMES:
        if match := re.match(pattern, name):
            number = int(match[1]) if match.groups() else 0
            rest = name[match.end() :]
            if ours.startswith(("decoder.last", "decoder.blocks")):
                part, _, rest = rest.partition(".")
                rest = f"{PARTS.get(part, part)}.{rest}"
            return ours.format(number, level=number - 1, block=4 - number) + rest
    return name


def _numbered(classes: int) -> Legend:
    """A legend with numbered classes in different colours."""
    entries = [
        {"name": f"class {i}", "colour": [(67 * i + 40) % 256, (151 * i + 90) % 256, (211 * i + 20) % 256]}
        for i in range(classes)
    ]
    return Legend.model_validate({"classes": entries})
