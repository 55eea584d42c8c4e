"""Networks by the names the paper gives them."""

import difflib
from collections.abc import Callable

from manet.errors import NetworkError
from manet.models.encoder import Encoder, load_weights
from manet.models.manet import manet
from manet.models.network import Network

NETWORKS: dict[str, Callable[[Encoder, int, int], Network]] = {
    "manet": manet,
}


def build(
    name: str, *, encoder: str = "resnet50", bands: int = 3, classes: int = 6, weights: str | None = None
) -> Network:
    """A network by name.

    encoder: any timm network with features at strides 4 to 32. weights: None (from scratch), "hub" (timm's pretrained
    encoder, over the network) or a local file of them.
    Raises NetworkError for a name that is not in the table, and for encoders or weights that cannot be had.
    """
    if name not in NETWORKS:
        near = difflib.get_close_matches(name, NETWORKS, n=1, cutoff=0.0)[0]
        raise NetworkError(f"no network '{name}'; there are {', '.join(NETWORKS)} (nearest: {near})")
    if bands < 1 or classes < 2:
        raise NetworkError(f"got {bands} bands and {classes} classes; at least 1 band and 2 classes are needed")
    body = Encoder(encoder, bands)
    if weights is not None:
        load_weights(body, weights)
    return NETWORKS[name](body, bands, classes)


__all__ = ["NETWORKS", "Network", "build"]
