"""Networks by the names the paper gives them."""

import difflib
from collections.abc import Callable
from typing import NamedTuple

from manet.attention import (
    AttentionBlock,
    BlockAttention,
    EfficientAttention,
    FastAttention,
    LinearAttention,
    SqueezeExcitation,
)
from manet.errors import NetworkError
from manet.networks import danet, deeplabv3plus, eanet, pspnet
from manet.networks.encoder import Encoder, load_weights
from manet.networks.fcn import fcn, fcn_with
from manet.networks.manet import manet
from manet.networks.network import Network


class Plan(NamedTuple):
    """How a network is made: from a built encoder, the number of bands and that of classes."""

    builder: Callable[[Encoder, int, int], Network]
    output_stride: int = 32
    """The stride of the encoder's last feature; less than 32 asks for an encoder that can be dilated."""


NETWORKS: dict[str, Plan] = {
    "fcn": Plan(fcn),
    "fcn-attention1": Plan(fcn_with(AttentionBlock, levels=(1,))),
    "fcn-attention2": Plan(fcn_with(AttentionBlock, levels=(2,))),
    "fcn-attention3": Plan(fcn_with(AttentionBlock, levels=(3,))),
    "fcn-attention4": Plan(fcn_with(AttentionBlock, levels=(4,))),
    "fcn-se": Plan(fcn_with(SqueezeExcitation)),
    "fcn-cbam": Plan(fcn_with(BlockAttention)),
    "fcn-eam": Plan(fcn_with(EfficientAttention)),
    "fcn-fam": Plan(fcn_with(FastAttention)),
    "fcn-lam": Plan(fcn_with(LinearAttention)),
    "danet": Plan(danet.danet, danet.OUTPUT_STRIDE),
    "pspnet": Plan(pspnet.pspnet, pspnet.OUTPUT_STRIDE),
    "deeplabv3plus": Plan(deeplabv3plus.deeplabv3plus, deeplabv3plus.OUTPUT_STRIDE),
    "eanet": Plan(eanet.eanet, eanet.OUTPUT_STRIDE),
    "manet": Plan(manet),
}


def build(
    name: str,
    *,
    encoder: str = "resnet50",
    bands: int = 3,
    classes: int = 6,
    weights: str | None = None,
    drop_path: float = 0.0,
) -> Network:
    """A network by name.

    encoder: any timm network with features at strides 4 to 32 (danet, pspnet, deeplabv3plus and eanet: one that can be
    dilated to stride 8 or 16, such as resnet18 or resnet50). weights: None (from scratch), "hub" (timm's pretrained
    encoder, over the network) or a local file of them. drop_path: the encoder's stochastic depth, in training alone.
    Raises NetworkError for a name that is not in the table, and for encoders or weights that cannot be had.
    """
    if name not in NETWORKS:
        near = difflib.get_close_matches(name, NETWORKS, n=1, cutoff=0.0)[0]
        raise NetworkError(f"no network '{name}'; there are {', '.join(NETWORKS)} (nearest: {near})")
    if bands < 1 or classes < 2:
        raise NetworkError(f"got {bands} bands and {classes} classes; at least 1 band and 2 classes are needed")
    plan = NETWORKS[name]
    body = Encoder(encoder, bands, plan.output_stride, drop_path)
    if weights is not None:
        load_weights(body, weights)
    return plan.builder(body, bands, classes)


__all__ = ["NETWORKS", "Network", "Plan", "build"]
