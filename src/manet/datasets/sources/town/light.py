"""Shadows, light and sensor: the image that a camera takes of a drawing."""

import numpy as np
from numpy.typing import NDArray

from manet.datasets.sources.town.chance import Floats, Rng, noise
from manet.datasets.sources.town.drawing import Drawing


def photograph(drawing: Drawing, shown: NDArray[np.int32]) -> NDArray[np.uint8]:
    """The image (4, height, width) of a drawing whose pixels show these items."""
    return _sense(_light(drawing, shown, _sunlit(drawing)), drawing.sensor)


def _sunlit(drawing: Drawing) -> Floats:
    """1 where the sun reaches the surface, 0 in shadow, (height, width).

    The height that a surface must have to be lit is computed with a reach that doubles at every step: what shades a
    pixel from up to 2n pixels away shades it from up to n pixels away, or it shades the pixel that is n pixels closer
    to the sun from up to n pixels away.
    """
    level = abs(drawing.sun_ground)
    lit, reach, climb = drawing.heights.copy(), 1, drawing.sun_up / level * drawing.gsd  # metres per pixel
    rows, columns = lit.shape
    while reach * climb < drawing.heights.max():
        ahead = drawing.sun_ground / level * reach
        right, down = round(ahead.real), round(ahead.imag)
        padded = np.pad(lit, ((max(0, -down), max(0, down)), (max(0, -right), max(0, right))))
        toward = padded[max(0, down) :, max(0, right) :][:rows, :columns]
        lit, reach = np.maximum(lit, toward - np.float32(reach * climb)), 2 * reach
    return _blur((lit <= drawing.heights + 0.25).astype(np.float32))


def _light(drawing: Drawing, shown: NDArray[np.int32], sunlit: Floats) -> Floats:
    """Radiance (4, height, width): the two colours of each item, mixed by its texture, under sun and sky."""
    rng, gsd, shape = drawing.texture, drawing.gsd, shown.shape

    def each(values: list[float]) -> Floats:
        return np.array(values, np.float32)[shown]

    mix = np.full(shape, 0.5, np.float32)
    for k, size in enumerate((0.25, 1.2, 6.0)):
        mix += each([item.material.noise[k] for item in drawing.items]) * noise(shape, size / gsd, rng)
    right, down = np.arange(shape[1], dtype=np.float32) * gsd, np.arange(shape[0], dtype=np.float32)[:, None] * gsd
    angles = [0.0 if item.angle is None else item.angle for item in drawing.items]
    along = right * each([np.cos(angle) for angle in angles]) + down * each([np.sin(angle) for angle in angles])
    along = np.where(each([item.angle is None for item in drawing.items]), drawing.heights, along)
    wave = np.sin(along * each([2 * np.pi / item.material.period for item in drawing.items]))
    mix = (mix + each([item.material.stripe for item in drawing.items]) * wave).clip(-0.25, 1.25)
    sun = sunlit * drawing.facing * (1 + 0.05 * noise(shape, 50 / gsd, rng) + 0.03 * noise(shape, 2.5 / gsd, rng))
    radiance = np.empty((4, *shape), np.float32)
    for band, sky in enumerate((0.36, 0.40, 0.47, 0.32)):
        low = each([item.material.low[band] * item.tint[band] for item in drawing.items])
        high = each([item.material.high[band] * item.tint[band] for item in drawing.items])
        cast = 1 + 0.018 * noise(shape, 35 / gsd, rng)
        radiance[band] = (low + mix * (high - low)) * (sky + (1 - sky) * sun) * cast
    return radiance


def _sense(radiance: Floats, rng: Rng) -> NDArray[np.uint8]:
    """The image (4, height, width) that the sensor records, with a little blur, haze and noise."""
    image = np.empty(radiance.shape, np.uint8)
    for band, haze in enumerate((6, 7, 11, 3)):
        grain = 2.2 * rng.standard_normal(image.shape[1:], np.float32)
        image[band] = np.rint(haze + 1.18 * _blur(radiance[band]) + grain).clip(0, 255)
    return image


def _blur(band: Floats) -> Floats:
    """Weight each pixel and its neighbours by 1, 2, 1 along both axes."""
    for _ in range(2):  # along each axis
        padded = np.pad(band, ((1, 1), (0, 0)), mode="edge")
        band = (0.5 * band + 0.25 * (padded[:-2] + padded[2:])).T
    return band
