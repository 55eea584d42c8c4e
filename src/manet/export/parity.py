"""How far exported graphs are from the network that they were made of."""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import torch
from torch.nn.functional import interpolate

from manet.card import Card
from manet.errors import ExportError
from manet.prediction.softmax import softmax
from manet.runtime.export_card import Parity, Precision
from manet.runtime.protocol import Floats, Runtime

SIZES = ((96, 160), (512, 768), (61, 37))
"""None of them is traced at; the last is no multiple of a stride."""

TOLERANCE = {"fp32": 1e-3, "bf16": 0.1}
"""Of a probability."""

OF_HALF = 0.03
"""The same with weights in 16 bits, on noise, which is harder than imagery."""

EQUAL_CLASSES = {"fp32": 0.999, "bf16": 0.99}
"""Share of the pixels that are no ties; the smallest of the sizes has 2257 pixels."""

TIE = 0.02
"""Where the two most probable classes are no further apart, which is all over the map of an untrained network."""


def measure(network: Runtime, exported: Runtime, card: Card, scene: bool) -> Iterator[Parity]:
    """Both on imagery-like noise with the training's statistics: valid, with nodata, and with merged summaries.

    Args:
        network: The network that the graphs were made of.
        exported: The graphs.
        card: Of both.
        scene: Whether scene context is to be compared.
    """
    for height, width in SIZES:
        images = imagery(card, height, width)
        valid = np.ones((1, 1, height, width), np.float32)
        valid[..., height // 3 : height // 2, width // 4 :] = 0
        yield _compare("valid", network.whole(images), exported.whole(images))
        yield _compare("nodata", network.whole(images, valid), exported.whole(images, valid), valid)
        if scene and not height % network.stride and not width % network.stride:
            yield _compare("scene", _merged(network, images, valid), _merged(exported, images, valid), valid)


def check(parity: Sequence[Parity], precision: Precision, half: bool) -> None:
    """Raises ExportError where the graphs are too far off."""
    tolerance = max(TOLERANCE[precision], OF_HALF if half else 0)
    for found in parity:
        off = found.probability > tolerance
        if off or not found.equal_classes >= EQUAL_CLASSES[precision]:
            raise ExportError(
                f"the exported network differs at {found.height} x {found.width} pixels ({found.case}): a probability "
                f"by {found.probability:.2g}, {100 * found.equal_classes:.3f} % equal classes; expected at most "
                f"{tolerance:g} and {100 * EQUAL_CLASSES[precision]:g} %; it was not written"
            )


def imagery(card: Card, height: int, width: int) -> Floats:
    """Images (1, bands, height, width) with structure at several scales and the training's band statistics."""
    generator = torch.Generator().manual_seed(0)
    image = torch.zeros(1, len(card.bands), height, width)
    for cells in (3, 9, 27, 81):
        coarse = torch.randn(1, len(card.bands), cells, cells, generator=generator)
        image += interpolate(coarse, (height, width), mode="bilinear") / 2
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (card.band_mean, card.band_std))
    return (image * std + mean).numpy()


def _merged(network: Runtime, images: Floats, valid: Floats) -> Floats:
    """Logits of the upper part, refined with the summaries of both parts merged."""
    rows = max(images.shape[2] // 2 // network.stride, 1) * network.stride
    parts = [(images[..., :rows, :], valid[..., :rows, :]), (images[..., rows:, :], valid[..., rows:, :])]
    features = [network.encode(*map(np.ascontiguousarray, part)) for part in parts]
    first, second = (
        network.summarise(f, np.ascontiguousarray(part[1])) for f, part in zip(features, parts, strict=True)
    )
    return network.decode(network.refine(features[0], network.merge(first, second)))


def _compare(
    case: Literal["valid", "nodata", "scene"], expected: Floats, found: Floats, valid: Floats | None = None
) -> Parity:
    height, width = expected.shape[2:]
    known = np.ones((height, width), bool) if valid is None else valid[0, 0, :height] > 0
    expected, found = (softmax(x) for x in (expected, found))
    difference = np.abs(expected - found).max(axis=1)[0][known]
    # a NaN is as far off as can be
    largest = float(np.nan_to_num(difference, nan=1.0, posinf=1.0).max())
    second, first = np.partition(expected, -2, axis=1)[:, -2:].swapaxes(0, 1)
    clear = known & (first - second > TIE)[0]
    equal = float((expected.argmax(1) == found.argmax(1))[0][clear].mean()) if clear.any() else 1.0
    return Parity(height=height, width=width, case=case, probability=largest, equal_classes=equal)
