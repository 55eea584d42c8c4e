"""The optimiser, the learning rate over the steps of a run, and the average of the weights."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from manet.networks import Network
from manet.recipe import OptimiserSettings


def make_optimiser(network: Network, settings: OptimiserSettings) -> torch.optim.Optimizer:
    """Adam or AdamW. The encoder and the gates have rates of their own.

    Weight decay applies to tensors of more than one axis: it makes no sense for the scale of a norm or for a bias, and
    it would hold gates at 0.
    """
    encoder, gates = ({id(p) for p in part} for part in (network.encoder.parameters(), network.gates()))
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for p in network.parameters():
        share = settings.gate_rate if id(p) in gates else settings.encoder_rate if id(p) in encoder else 1.0
        groups.setdefault((share, settings.weight_decay if p.ndim > 1 else 0.0), []).append(p)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings.name]
    return kind(
        [
            {"params": groups[share, decay], "lr": settings.rate * share, "weight_decay": decay}
            for share, decay in sorted(groups, key=lambda group: group[0] != 1)  # the log reads the first rate
        ],
        fused=True,  # weights and moments are read once, not a dozen times
    )


def rate_factor(settings: OptimiserSettings, step: int, steps: int) -> float:
    """The learning rate at a step as a share of the largest: a linear rise, then constant or half a cosine to 0.

    Args:
        settings: Schedule and warm-up.
        step: Counted from 0.
        steps: Steps of the whole run.

    Returns:
        A share, 0 to 1.
    """
    rise = round(settings.warmup * steps)
    if step < rise:
        return (step + 1) / rise
    if settings.schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * min((step - rise) / max(steps - rise, 1), 1)))


def average_of(network: Network, decay: float) -> AveragedModel:
    """An exponential moving average of a network's weights, and of its batch norms' statistics over the same steps.

    After n steps the decay is at most (1 + n) / (10 + n), so that the average of a short run is taken over its last
    ninth and does not remember its beginning.
    """

    def update(averages: Any, values: Any, steps: Tensor | int) -> None:
        get_ema_multi_avg_fn(min(decay, (1 + int(steps)) / (10 + int(steps))))(averages, values, steps)

    return AveragedModel(network, multi_avg_fn=update, use_buffers=True)
