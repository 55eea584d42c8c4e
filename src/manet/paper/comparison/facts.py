"""What is worth knowing about a run besides its scores: time, machine, and how its attention came out."""

import math
from collections.abc import Callable

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

import manet
from manet.attention import ChannelAttention, Summary
from manet.model import Model
from manet.networks import Network
from manet.paper.bench_machine import machine_line

FILE = "facts.json"


class Facts(BaseModel):
    """The facts of a finished run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    machine: str
    device: str
    seconds: float
    """Time of training and validation, by the log."""
    best_epoch: int
    parameters: int
    gates: dict[str, float]
    """The gates of the attention's residuals, by the name of the parameter; 0 before training."""
    channel_entropy: dict[str, float]
    """Mean entropy of the rows of channel attention over ln C, by the name of the module: 0 if every channel attends to
    one other, 1 if it attends to all equally."""
    without: dict[str, float] = {}
    """Mean IoU on the split that is scored, 0 to 1, with the gates of a kind of attention closed after training."""


def facts(model: Model, images: Tensor, seconds: float, without: dict[str, float]) -> Facts:
    """Collect the facts of a run.

    Args:
        model: The trained model, computed by PyTorch.
        images: (batch, bands, height, width), the imagery on which attention is examined.
        seconds: Time of training and validation.
        without: Mean IoU with the gates of each kind of attention closed.
    """
    network = model.network
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    return Facts(
        version=manet.__version__,
        machine=machine_line(),
        device=model.runtime.device_name,
        seconds=round(seconds, 1),
        best_epoch=model.card.scores["epoch"] + 1,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        gates={names[id(gate)]: gate.item() for gate in network.gates()},
        channel_entropy=channel_entropy(network, images.to(network.band_mean.device)),
        without=without,
    )


@torch.inference_mode()
def channel_entropy(network: Network, images: Tensor) -> dict[str, float]:
    """The entropy of channel attention on some images, see `Facts.channel_entropy`; empty if there is none."""
    found: dict[str, float] = {}
    watched = {name: m for name, m in network.named_modules() if isinstance(m, ChannelAttention)}
    for name, module in watched.items():
        module.attend = _watch(module.attend, name, found)  # type: ignore[method-assign]
    try:
        network(images)
    finally:
        for module in watched.values():
            del module.attend
    return found


def _watch(attend: Callable[[Tensor, Summary], Tensor], name: str, found: dict[str, float]) -> Callable[..., Tensor]:
    def watching(features: Tensor, summary: Summary) -> Tensor:
        attention = torch.softmax(-summary[0], dim=2)
        found[name] = torch.special.entr(attention).sum(2).mean().item() / math.log(attention.shape[2])
        return attend(features, summary)

    return watching
