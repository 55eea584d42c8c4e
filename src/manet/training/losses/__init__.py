"""Losses, one kind a file: a network's own, and the parts that a recipe lays beside it. Ignored labels never count."""

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
"""By the names that networks ask for them."""


def training_loss(
    kind: str,
    outputs: Sequence[tuple[Tensor, float]],
    labels: Tensor,
    settings: LossSettings,
    weights: Tensor | None = None,
) -> Tensor:
    """What a training step minimises: the network's own kind of loss over all its outputs, and the recipe's parts.

    outputs: logits (batch, classes, height, width), each with its weight, the network's own before those of auxiliary
    heads; labels (batch, height, width); weights (classes,) of the classes, which Dice and Lovász do without: every
    class weighs the same there. The auxiliary heads have the network's kind of loss alone, as is usual.
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
