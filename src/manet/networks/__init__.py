"""Networks, by the names that the paper gives them, and this project's own."""

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
from manet.files import choices
from manet.networks import danet, deeplabv3plus, eanet, pspnet
from manet.networks.encoder import Encoder, load_weights
from manet.networks.fcn import fcn, fcn_with
from manet.networks.manet import manet
from manet.networks.manet_plus import fcn_plus, manet_plus
from manet.networks.network import Network


class NetworkPlan(NamedTuple):
    """How a network is made."""

    builder: Callable[[Encoder, int, int], Network]
    """Takes a built encoder, the number of bands and the number of classes."""
    output_stride: int = 32
    """The stride of the encoder's last feature. Less than 32 needs an encoder that can be dilated."""


NETWORKS: dict[str, NetworkPlan] = {
    "fcn": NetworkPlan(fcn),
    "fcn-attention1": NetworkPlan(fcn_with(AttentionBlock, levels=(1,))),
    "fcn-attention2": NetworkPlan(fcn_with(AttentionBlock, levels=(2,))),
    "fcn-attention3": NetworkPlan(fcn_with(AttentionBlock, levels=(3,))),
    "fcn-attention4": NetworkPlan(fcn_with(AttentionBlock, levels=(4,))),
    "fcn-se": NetworkPlan(fcn_with(SqueezeExcitation)),
    "fcn-cbam": NetworkPlan(fcn_with(BlockAttention)),
    "fcn-eam": NetworkPlan(fcn_with(EfficientAttention)),
    "fcn-fam": NetworkPlan(fcn_with(FastAttention)),
    "fcn-lam": NetworkPlan(fcn_with(LinearAttention)),
    "danet": NetworkPlan(danet.danet, danet.OUTPUT_STRIDE),
    "pspnet": NetworkPlan(pspnet.pspnet, pspnet.OUTPUT_STRIDE),
    "deeplabv3plus": NetworkPlan(deeplabv3plus.deeplabv3plus, deeplabv3plus.OUTPUT_STRIDE),
    "eanet": NetworkPlan(eanet.eanet, eanet.OUTPUT_STRIDE),
    "manet": NetworkPlan(manet),
    "fcn-plus": NetworkPlan(fcn_plus),
    "manet-plus": NetworkPlan(manet_plus),
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
    """Build an untrained network.

    Its band statistics are mean 0 and deviation 1 until `Network.set_statistics` is called.

    Args:
        name: One of `list_networks()`.
        encoder: Any timm network with features at strides 4 to 32. danet, pspnet, deeplabv3plus and eanet need one that
            can be dilated to stride 8 or 16, such as resnet18 or resnet50.
        bands: Number of bands of the imagery, at least 1.
        classes: Number of classes, at least 2.
        weights: Of the encoder: None (from scratch), "imagenet" (from an installed package), "hub" (timm's, downloaded)
            or a local file.
        drop_path: Stochastic depth of the encoder in training: how often its last block is skipped, 0 to 1.

    Returns:
        The network, in training mode.

    Raises:
        NetworkError: The name is not known, the encoder or its weights are not available, or the numbers are too small.
    """
    if name not in NETWORKS:
        raise NetworkError(f"no network '{name}'; there are {choices(name, NETWORKS)}")
    if bands < 1 or classes < 2:
        raise NetworkError(f"got {bands} bands and {classes} classes; at least 1 band and 2 classes are needed")
    plan = NETWORKS[name]
    body = Encoder(encoder, bands, plan.output_stride, drop_path)
    if weights is not None:
        load_weights(body, weights)
    network = plan.builder(body, bands, classes)
    network.name = name
    return network


def list_networks() -> list[str]:
    """The names that `build` takes."""
    return list(NETWORKS)


__all__ = ["NETWORKS", "Network", "NetworkPlan", "build", "list_networks"]
