"""The authors' released weights: their names for the parts of MANet, translated to ours."""

import pickle
import re
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
    (r"firstconv\.", "encoder.body.conv1."),
    (r"firstbn\.", "encoder.body.bn1."),
    (r"encoder(\d)\.", "encoder.body.layer{0}."),
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
"""How their names begin, as patterns, and how ours do."""

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
    state = {name.removeprefix("module."): tensor for name, tensor in _read(path).items()}
    missing = [name for name in ("firstconv.weight", "finalconv3.weight", "attention1.PAM.gamma") if name not in state]
    if missing:
        raise CheckpointError(f"{path} has no {missing[0]}; expected a state dict of the authors' MANet module")
    bands, classes = state["firstconv.weight"].shape[1], state["finalconv3.weight"].shape[0]
    if legend is not None and len(legend) != classes:
        raise CheckpointError(
            f"{path} has {classes} classes, the legend {len(legend)}; give the one it was trained with"
        )
    encoder = _encoder(path, state)
    network = build("manet", encoder=encoder, bands=bands, classes=classes)
    ours = {_rename(name): tensor for name, tensor in state.items()}
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
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be read as plain weights ({str(error).splitlines()[0]}); save a state dict"
        ) from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(
            f"{path} holds no state dict; expected names and tensors (torch.save(net.state_dict(), ...))"
        )
    return state


def _encoder(path: Path, state: dict[str, Tensor]) -> str:
    counts = tuple(
        len({name.split(".")[1] for name in state if name.startswith(f"encoder{level}.")}) for level in range(1, 5)
    )
    bottleneck = "encoder1.0.conv3.weight" in state
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
