"""How much memory a window takes while graphs compute it, so that windows can be fitted to memory."""

import numpy as np

from manet.machine import peak_memory, reset_peak_memory
from manet.runtime.protocol import Runtime

SIDES = 256, 768
"""Height and width of the images that memory is measured with, pixels."""


def measure_bytes_per_pixel(runtime: Runtime, bands: int) -> float | None:
    """The bytes by which the peak of this process grows with every pixel of a window, in the parts of scene context.

    None where the system does not tell, or another part of the process took more.
    """
    peaks = []
    for side in SIDES:
        images = np.zeros((1, bands, side, side), np.float32)
        reset_peak_memory()
        features = runtime.encode(images)
        runtime.decode(runtime.refine(features, runtime.summarise(features)))
        del features
        peaks.append(peak_memory())
    small, large = peaks
    if small is None or large is None or large <= small:
        return None
    return (large - small) / (SIDES[1] ** 2 - SIDES[0] ** 2)
