"""What `train` and `release` share: the halo of scene context goes into the checkpoint."""

from pathlib import Path
from typing import TYPE_CHECKING

from manet.errors import NetworkError

if TYPE_CHECKING:
    import torch

    from manet.card import Card
    from manet.datasets.manifest import Split
    from manet.networks import Network

AREAS = 4
"""On how many areas at most it is measured."""


def with_halo(network: "Network", data: Path, split: "Split", device: "torch.device") -> "Card":
    """The network's card with its halo, measured on the split's largest areas where the card has none.

    As it was where the network has no scene context, or where the areas are too small to measure on.
    """
    from manet.datasets.manifest import read_manifest
    from manet.prediction.context import middle_of
    from manet.prediction.halo import measure_halo
    from manet.raster.scene import Scene

    card, manifest, images = network.card, read_manifest(data), []
    assert card is not None
    try:
        network.check_local()
    except NetworkError:
        return card
    if card.halo is not None:
        return card
    for area in sorted(manifest.labelled(split), key=lambda area: min(area.height, area.width))[-AREAS:]:
        with Scene(data / manifest.scene(area.scene).image) as scene:
            images.append(middle_of(network, scene, area.window, device))
    measured = measure_halo(network, images)
    return card.model_copy(update={"halo": measured[0]}) if measured else card
