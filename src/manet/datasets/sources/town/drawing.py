"""The drawing that everything in the town is added to."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from manet.datasets.sources.town.chance import Floats, noise
from manet.datasets.sources.town.materials import MATERIALS, Material

Places = NDArray[np.complexfloating]  # right + down * 1j, metres


class Item(NamedTuple):
    """Something of one material, with its own tint."""

    material: Material
    tint: Floats  # (4,) factors on the material's colours
    angle: float | None  # radians, across its stripes; None for a sloping roof, whose courses follow its height


class Drawing:
    """Which item each pixel shows, how high it is, and how directly it faces the sun.

    An item is flat ground, which later ground covers, or something that stands on the ground, of which the highest is
    seen. Its material gives its class, which makes the labels exact, and its colours, which classes share.
    """

    def __init__(self, height: int, width: int, seed: int, gsd_m: float) -> None:
        rngs = [np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(14)]
        # one generator per class and per purpose, so that another car does not change the roofs
        self.tints = rngs[:6]
        self.layout, self.roofs, self.gardens, self.trees, self.cars, self.clutter, self.texture, self.sensor = rngs[6:]
        self.gsd = gsd_m
        self.ground = Image.new("I", (width, height), 0)
        self.standing = np.full((height, width), -1, np.int32)
        self.heights = np.zeros((height, width), np.float32)
        self.facing = np.ones((height, width), np.float32)
        self.roughness = 0.16 * noise((256, 256), 0.45 / gsd_m, self.texture)  # metres, of crowns and heaps
        azimuth, elevation = np.radians(self.layout.uniform((125, 44), (235, 56)))  # clockwise from the top
        self.sun_ground = 1j * -np.exp(1j * azimuth) * np.cos(elevation)  # unit vector towards the sun: on the ground
        self.sun_up = float(np.sin(elevation))  # and upwards
        self.extent = complex(width, height) * gsd_m
        self.angle, *self.phases = self.layout.uniform((-0.6, 0, 0), (0.6, 6.28, 6.28))
        self.items: list[Item] = []
        self.item("paving")  # item 0 is what streets and parcels leave free

    def item(self, material: str, angle: float | None = 0.0) -> int:
        """Add an item of a material and return its number; for the angle see `Item`."""
        made_of = MATERIALS[material]
        rng = self.tints[made_of.label]
        tint = (1 + 0.12 * rng.standard_normal()) * (1 + 0.015 * rng.standard_normal(4))
        self.items.append(Item(made_of, tint.clip(0.75, 1.25), angle))
        return len(self.items) - 1

    def bend(self, place: Places) -> Places:
        """Move places from the plan, whose streets are straight and upright, to the drawing, where they are bent."""
        place = place + 6 * np.sin(place.imag / 55 + self.phases[0])
        place = place + 6j * np.sin(place.real / 65 + self.phases[1])
        return self.extent / 2 + place * np.exp(1j * self.angle)

    def contains(self, place: Places, margin: float = 0.0) -> bool:
        """Whether a place is in the drawing, at least `margin` metres from its edges."""
        off = self.extent / 2 - margin * (1 + 1j)
        away = place - self.extent / 2
        return bool(abs(away.real) < off.real and abs(away.imag) < off.imag)

    def stand(self, corner: tuple[int, int], inside: NDArray[np.bool_], height: Floats, item: int) -> None:
        """Add a surface that stands on the ground; it is seen wherever nothing higher hides it.

        Args:
            corner: Row and column of its first pixel, which may be outside the drawing.
            inside: Which pixels it covers, (rows, columns).
            height: Metres above ground, (rows, columns).
            item: The item it shows.
        """
        down, right = np.gradient(height, self.gsd)
        level = self.sun_up - right * self.sun_ground.real - down * self.sun_ground.imag
        facing = (level / np.sqrt(1 + right**2 + down**2) / self.sun_up).clip(0.25, 1.35)
        part = tuple(slice(max(0, -o), max(0, n - o)) for o, n in zip(corner, self.heights.shape, strict=True))
        whole = tuple(slice(max(0, o), max(0, o + n)) for o, n in zip(corner, height.shape, strict=True))
        seen = inside[part] & (height[part] > self.heights[whole])
        self.heights[whole][seen] = height[part][seen]
        self.facing[whole][seen] = facing[part][seen]
        self.standing[whole][seen] = item

    def shown(self) -> NDArray[np.int32]:
        """The item that each pixel shows, (height, width)."""
        return np.where(self.standing < 0, np.asarray(self.ground, np.int32), self.standing)
