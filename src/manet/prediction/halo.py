"""How much context a window needs, so that its middle is what it would be in the whole scene."""

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from manet.errors import SceneError
from manet.prediction.scene_context import SceneNetwork
from manet.raster.windows import Window

CORE = 64
"""Height and width of the pixels that are compared."""

TOLERANCE = 1e-5
"""Of a probability where it is measured, so that 1e-4 holds wherever it is not."""


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


def measure_halo(network: SceneNetwork, images: Sequence[Tensor]) -> tuple[int, float] | None:
    """The smallest halo whose error is within TOLERANCE for all images, and its error.

    The largest that the images hold if none is; None where they are too small to measure on.
    """
    largest, worst = 0, 0.0
    for image in images:
        for halo, error in halo_errors(network, image):
            if halo < largest:
                continue
            largest, worst = halo, error if halo > largest else max(error, worst)
            if error <= TOLERANCE:
                break
    return (largest, worst) if largest else None


@torch.no_grad()
def theoretical_halo(network: SceneNetwork, bands: int) -> int:
    """The halo that no pixel outside can reach past, whatever the weights and the imagery.

    Read off a strip of noise with a NaN stride of columns in it, which spreads as far as anything can. In float64,
    whose convolutions read no more than they need. Raises SceneError for an exported network.
    """
    if not isinstance(network, nn.Module):
        raise SceneError("an exported network cannot tell its theoretical halo; give a number, or the checkpoint")
    exact: Any = copy.deepcopy(network).cpu().double()
    stride, width = network.stride, 16 * network.stride
    while True:
        images = torch.randn(1, bands, stride, width, dtype=torch.float64)
        summaries = exact.summarise(exact.encode(images))
        begin = width // 2
        images[..., begin : begin + stride] = torch.nan
        logits = exact.decode(exact.refine(exact.encode(images), summaries))
        reached = logits.isnan().any(dim=(0, 1, 2)).nonzero().flatten().tolist()
        if reached[0] > 0 and reached[-1] < width - 1:
            return -(-max(begin - reached[0], reached[-1] + 1 - begin - stride) // stride) * stride
        width *= 2
