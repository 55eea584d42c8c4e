"""Losses, one kind per file: a network's own, and those that a recipe adds to it. Ignored labels never count."""

from collections.abc import Sequence

import torch
from torch import Tensor

from manet.recipe import LossSettings
from manet.training.losses.cross_entropy import (
    LARGEST_WEIGHT,
    Loss,
    balanced_weights,
    cross_entropy,
    hard_cross_entropy,
)
from manet.training.losses.dice import dice
from manet.training.losses.edge import edge_aware, edge_dice
from manet.training.losses.lovasz import lovasz

LOSSES: dict[str, Loss] = {"cross-entropy": cross_entropy, "edge-aware": edge_aware}
"""By the names that networks give them (`Network.loss`)."""


def training_loss(
    kind: str,
    outputs: Sequence[tuple[Tensor, float]],
    labels: Tensor,
    settings: LossSettings,
    weights: Tensor | None = None,
) -> Tensor:
    """What a training step minimises: the network's kind of loss over all its outputs, and the recipe's additions.

    Dice and Lovász are taken of the network's own output only, as is usual, and every class has the same weight there.

    Args:
        kind: The network's loss, a key of LOSSES.
        outputs: Logits (batch, classes, height, width), each with its weight; the network's own come before those of
            auxiliary heads.
        labels: (batch, height, width), class indices or IGNORED, int64.
        settings: Label smoothing, and the weights of Dice and Lovász.
        weights: Weight of each class, (classes,); None: all have weight 1.

    Returns:
        The loss, a scalar.
    """
    smoothing, (own, _) = settings.label_smoothing, outputs[0]
    parts = [weight * LOSSES[kind](logits, labels, weights, smoothing) for logits, weight in outputs]
    parts += [share * part(own, labels) for share, part in ((settings.dice, dice), (settings.lovasz, lovasz)) if share]
    return torch.stack(parts).sum()


__all__ = [
    "LARGEST_WEIGHT",
    "LOSSES",
    "balanced_weights",
    "cross_entropy",
    "dice",
    "edge_aware",
    "edge_dice",
    "hard_cross_entropy",
    "lovasz",
    "training_loss",
]
