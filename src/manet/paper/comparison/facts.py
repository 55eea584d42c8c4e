"""What is to be known of a run beside its scores: time, machine, and how its attention came out."""

import math
from collections.abc import Callable

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

import manet
from manet.attention import ChannelAttention, Summary
from manet.machine import description
from manet.networks import Network

FILE = "facts.json"


class Facts(BaseModel):
    """Of a finished run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    machine: str
    device: str
    seconds: float
    """Of training with its validation, by the log."""
    best_epoch: int
    parameters: int
    gates: dict[str, float]
    """Of the attention's residuals, by the module's name; 0 before training."""
    channel_entropy: dict[str, float]
    """Of channel attention, by the module's name: its rows' mean entropy over ln C, 0 where every channel attends to
    one other, 1 where it attends to all alike."""
    without: dict[str, float] = {}
    """Mean IoU on the split that is scored, 0 to 1, with the gates of a kind of attention closed after training."""


def facts(network: Network, images: Tensor, seconds: float, device: torch.device, without: dict[str, float]) -> Facts:
    """images: (batch, bands, height, width) of the imagery that attention is looked at on."""
    assert network.card is not None
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    return Facts(
        version=manet.__version__,
        machine=description(),
        device=device.type,
        seconds=round(seconds, 1),
        best_epoch=network.card.scores["epoch"] + 1,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        gates={names[id(gate)]: gate.item() for gate in network.gates()},
        channel_entropy=channel_entropy(network, images.to(device)),
        without=without,
    )


@torch.inference_mode()
def channel_entropy(network: Network, images: Tensor) -> dict[str, float]:
    """See `Facts.channel_entropy`; empty for networks without channel attention."""
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
