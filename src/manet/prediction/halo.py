"""How much context a window needs, so that its middle is what it would be in the whole scene."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from manet.datasets.manifest import Split, read_manifest
from manet.errors import NetworkError
from manet.prediction.softmax import softmax
from manet.prediction.window_context import to_batch
from manet.raster.scene import Scene
from manet.raster.windows import Window
from manet.runtime.protocol import Floats, Runtime

CORE = 64
"""Height and width of the pixels that are compared."""

TOLERANCE = 1e-5
"""Of a probability where it is measured, so that 1e-4 holds wherever it is not."""

MEASURED_ON = 768
"""Height and width of the middle of a scene that a halo is measured on, pixels."""

AREAS = 4
"""On how many areas of a dataset at most it is measured."""


def middle_of(runtime: Runtime, scene: Scene, region: Window) -> Floats:
    """The middle of a region of a scene, (1, bands, height, width), to measure a halo on."""
    side = min(MEASURED_ON, region.height, region.width) // runtime.stride * runtime.stride
    return to_batch(*scene.read(region.middle(side, side)))[0]


def halo_errors(runtime: Runtime, images: Floats) -> Iterator[tuple[int, float]]:
    """(halo, largest difference of a probability) for halos of 1, 2, ... strides, as long as the image holds them.

    Windows in the middle of the image, with the image's own summaries, are compared with the image in one pass.

    Args:
        runtime: What computes the network.
        images: (1, bands, height, width), best of textured imagery, height and width multiples of the stride.
    """
    stride = runtime.stride
    features = runtime.encode(images)
    summaries = runtime.summarise(features)
    expected = softmax(runtime.decode(runtime.refine(features, summaries)))
    row, col = ((length - CORE) // 2 // stride * stride for length in images.shape[2:])
    core = Window(row, col, CORE, CORE)
    for halo in range(stride, min(row, col) + 1, stride):
        seen = Window(row - halo, col - halo, CORE + 2 * halo, CORE + 2 * halo)
        window = runtime.encode(np.ascontiguousarray(images[..., *seen.slices]))
        found = softmax(runtime.decode(runtime.refine(window, summaries)))
        difference = found[..., *core.within(seen).slices] - expected[..., *core.slices]
        yield halo, float(np.abs(difference).max())


def measure_halo(runtime: Runtime, images: Sequence[Floats]) -> tuple[int, float] | None:
    """The smallest halo whose error is within TOLERANCE for all images, and its error.

    The largest that the images hold if none is; None where they are too small to measure on.
    """
    largest, worst = 0, 0.0
    for image in images:
        if min(image.shape[2:]) < CORE + 2 * runtime.stride:
            continue
        for halo, error in halo_errors(runtime, image):
            if halo < largest:
                continue
            largest, worst = halo, error if halo > largest else max(error, worst)
            if error <= TOLERANCE:
                break
    return (largest, worst) if largest else None


def halo_of_dataset(runtime: Runtime, data: Path, split: Split) -> int | None:
    """The halo measured on the largest areas of a split, pixels.

    None where scene context would not be exact with the network, or the areas are too small to measure on.
    """
    try:
        runtime.check_local()
    except NetworkError:
        return None
    manifest, images = read_manifest(data), []
    for area in sorted(manifest.labelled(split), key=lambda area: min(area.height, area.width))[-AREAS:]:
        with Scene(data / manifest.scene(area.scene).image) as scene:
            images.append(middle_of(runtime, scene, area.window))
    measured = measure_halo(runtime, images)
    return measured[0] if measured else None
