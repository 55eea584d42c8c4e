"""How much context a window needs, so that its middle is what it would be in the whole scene: measured."""

from collections.abc import Iterator

import torch
from torch import Tensor

from manet.prediction.scene_context import SceneNetwork
from manet.raster.windows import Window

CORE = 64
"""Height and width of the pixels that are compared."""

TOLERANCE = 1e-4
"""Of a probability."""


def halo_errors(network: SceneNetwork, images: Tensor) -> Iterator[tuple[int, float]]:
    """(halo, largest difference of a probability) for halos of 1, 2, ... strides, as long as the image holds them.

    images: (1, bands, height, width), best of textured imagery, height and width multiples of the stride. Windows in
    the middle of the image, with the image's own summaries, are compared with the image in one pass.
    """
    with torch.inference_mode():
        features = network.encode(images)
        summaries = network.summarise(features)
        expected = network.decode(network.refine(features, summaries)).softmax(dim=1)
        height, width = images.shape[2:]
        row, col = ((length - CORE) // 2 // network.stride * network.stride for length in (height, width))
        core = Window(row, col, CORE, CORE)
        for halo in range(network.stride, min(row, col) + 1, network.stride):
            seen = Window(row - halo, col - halo, CORE + 2 * halo, CORE + 2 * halo)
            window = network.encode(images[..., *seen.slices])
            found = network.decode(network.refine(window, summaries)).softmax(dim=1)
            difference = found[..., *core.within(seen).slices] - expected[..., *core.slices]
            yield halo, difference.abs().max().item()


def measure_halo(network: SceneNetwork, images: Tensor) -> int:
    """The smallest halo whose error is within TOLERANCE; the largest that the image holds if none is."""
    halo = network.stride
    for halo, error in halo_errors(network, images):  # noqa: B007 (the last one is the answer)
        if error <= TOLERANCE:
            break
    return halo
