"""A generated town: a scene from above, drawn from a seed, with exact labels in the six ISPRS classes.

The town is laid out in metres as streets, blocks and parcels, and everything in it is one of two things: flat ground,
filled in order, or something that stands on it, where the highest surface is the one seen from above. So each pixel
shows one item; the item's material gives its class, which makes the labels exact, and its colours, which classes share.
The flow is layout -> surfaces and heights -> shadows -> light -> sensor.

Places are complex numbers: across + inward * 1j on a plot, right + down * 1j in the scene.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

_IMPERVIOUS, _BUILDING, _LOW_VEGETATION, _TREE, _CAR, _CLUTTER = range(6)
_SMALLEST_SIDE = 64  # pixels
_PAVEMENT = 1.7  # metres
_PITCH = 0.65  # rise of a roof over its run

Floats = NDArray[np.floating]
Places = NDArray[np.complexfloating]
Rng = np.random.Generator


@dataclass(frozen=True)
class Town:
    """A town from above.

    Attributes:
        image: (4, height, width) red, green, blue and near infrared, 0 to 255.
        labels: (height, width) classes: 0 impervious surfaces, 1 building, 2 low vegetation, 3 tree, 4 car, 5 clutter.
        heights: (height, width) metres above ground, 0 on the ground.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    heights: NDArray[np.float32]


def draw(height: int, width: int, seed: int, gsd_m: float = 0.1) -> Town:
    """Draw the town of a seed; the same arguments always give the same town.

    Args:
        height: Rows, at least 64.
        width: Columns, at least 64.
        seed: Any integer from 0 up.
        gsd_m: Ground sampling distance, the side of a pixel in metres.

    Raises:
        ValueError: If a side is under 64 pixels, the seed negative or the sampling distance not positive.
    """
    if min(height, width) < _SMALLEST_SIDE:
        raise ValueError(f"a town needs at least {_SMALLEST_SIDE} x {_SMALLEST_SIDE} pixels, not {height} x {width}")
    if not gsd_m > 0:
        raise ValueError(f"the ground sampling distance must be positive, not {gsd_m}")
    scene = _Scene(height, width, seed, gsd_m)
    streets, parcels = _layout(scene)
    for street in streets:
        _build_street(street, streets)
    for parcel, build in _zoning(scene, parcels):
        build(parcel)
    items = np.where(scene.standing < 0, np.asarray(scene.ground, np.int32), scene.standing)
    classes = np.array([item.material.label for item in scene.items], np.uint8)
    image = _sense(_light(scene, items, _sunlit(scene)), scene.sensor)
    return Town(image, classes[items], scene.heights)


# ---------------------------------------------------------------- materials


class _Material(NamedTuple):
    """Two colours (red, green, blue, near infrared) that noise and stripes mix from pixel to pixel."""

    label: int
    low: tuple[int, int, int, int]
    high: tuple[int, int, int, int]
    noise: tuple[float, float, float] = (0.15, 0.1, 0.1)  # amplitudes at 0.25, 1.2 and 6 m
    stripe: float = 0.0
    period: float = 1.0  # metres from stripe to stripe


_M, _GRASS, _LEAVES, _TILES = _Material, (0.3, 0.28, 0.3), (0.3, 0.2, 0.1), (0.15, 0.12, 0.15)
_MATERIALS = {
    "asphalt": _M(_IMPERVIOUS, (84, 85, 89, 74), (126, 124, 121, 104), (0.2, 0.12, 0.25)),
    "paving": _M(_IMPERVIOUS, (130, 125, 118, 114), (166, 158, 148, 142), (0.15, 0.12, 0.2), 0.2, 0.6),
    "kerb": _M(_IMPERVIOUS, (160, 158, 152, 142), (186, 183, 175, 164)),
    "brick paving": _M(_IMPERVIOUS, (126, 98, 84, 102), (160, 128, 110, 126), (0.25, 0.15, 0.15), 0.2, 0.45),
    "gravel": _M(_IMPERVIOUS, (130, 119, 101, 112), (172, 158, 134, 144), (0.35, 0.15, 0.1)),
    "marking": _M(_IMPERVIOUS, (180, 180, 176, 164), (228, 227, 220, 205), (0.3, 0.2, 0.0)),
    "red tiles": _M(_BUILDING, (128, 72, 56, 142), (172, 104, 82, 184), _TILES, 0.3, 0.3),
    "brown tiles": _M(_BUILDING, (98, 76, 64, 106), (136, 108, 90, 140), _TILES, 0.3, 0.3),
    "slate": _M(_BUILDING, (64, 66, 72, 58), (98, 98, 103, 86), _TILES, 0.3, 0.3),
    "metal": _M(_BUILDING, (92, 112, 134, 98), (126, 144, 162, 124), (0.08, 0.06, 0.12), 0.35, 0.7),
    "roof gravel": _M(_BUILDING, (92, 92, 92, 80), (138, 135, 131, 116), (0.25, 0.15, 0.3)),
    "membrane": _M(_BUILDING, (150, 149, 145, 136), (186, 183, 176, 162), (0.1, 0.1, 0.3), 0.12, 1.6),
    "sedum": _M(_BUILDING, (98, 100, 66, 118), (138, 126, 88, 142), _GRASS),
    "panel": _M(_BUILDING, (36, 42, 62, 44), (54, 62, 84, 58), (0.1, 0.0, 0.1), 0.4, 1.0),
    "lawn": _M(_LOW_VEGETATION, (70, 96, 50, 150), (120, 134, 78, 188), _GRASS, 0.14, 1.6),
    "dry grass": _M(_LOW_VEGETATION, (112, 112, 70, 128), (172, 154, 110, 148), _GRASS),
    "soil": _M(_LOW_VEGETATION, (104, 82, 62, 92), (148, 120, 92, 122), (0.3, 0.25, 0.2)),
    "vegetable bed": _M(_LOW_VEGETATION, (110, 86, 66, 100), (68, 104, 48, 178), (0.25, 0.12, 0.15), 0.45, 0.9),
    "hedge": _M(_LOW_VEGETATION, (50, 74, 38, 138), (86, 108, 56, 178), _LEAVES),
    "broadleaf": _M(_TREE, (52, 78, 40, 140), (94, 116, 60, 194), _LEAVES),
    "pale broadleaf": _M(_TREE, (76, 96, 50, 164), (124, 136, 80, 206), _LEAVES),
    "conifer": _M(_TREE, (38, 62, 44, 108), (66, 90, 60, 146), _LEAVES),
    "golden crown": _M(_TREE, (136, 106, 50, 164), (180, 146, 76, 212), _LEAVES),
    "copper crown": _M(_TREE, (106, 62, 46, 148), (156, 96, 68, 196), _LEAVES),
    "white car": _M(_CAR, (196, 196, 194, 186), (228, 228, 226, 214)),
    "silver car": _M(_CAR, (138, 140, 143, 132), (168, 170, 172, 158)),
    "black car": _M(_CAR, (36, 37, 41, 38), (62, 63, 68, 60)),
    "red car": _M(_CAR, (140, 42, 38, 116), (172, 58, 50, 144)),
    "blue car": _M(_CAR, (50, 74, 116, 64), (72, 98, 142, 84)),
    "car glass": _M(_CAR, (34, 40, 48, 36), (60, 68, 76, 58)),
    "pool": _M(_CLUTTER, (48, 118, 136, 34), (92, 166, 178, 48), (0.2, 0.2, 0.2), 0.1, 0.9),
    "pond": _M(_CLUTTER, (46, 60, 52, 26), (72, 84, 66, 44), (0.1, 0.2, 0.3)),
    "building earth": _M(_CLUTTER, (122, 100, 78, 104), (176, 150, 120, 144), (0.3, 0.3, 0.3)),
    "rubble": _M(_CLUTTER, (92, 86, 80, 80), (170, 160, 146, 146), (0.5, 0.3, 0.1)),
    "slab": _M(_CLUTTER, (136, 134, 128, 126), (168, 164, 156, 150), (0.12, 0.1, 0.2), 0.15, 1.5),
    "red container": _M(_CLUTTER, (128, 58, 46, 116), (162, 82, 62, 146), (0.1, 0.1, 0.1), 0.4, 0.6),
    "blue container": _M(_CLUTTER, (52, 88, 122, 72), (82, 118, 148, 98), (0.1, 0.1, 0.1), 0.4, 0.6),
}
_CARS = ("white car", "white car", "silver car", "silver car", "black car", "black car", "red car", "blue car")
_CROWNS = (*["broadleaf"] * 5, *["pale broadleaf"] * 2, *["conifer"] * 2, "golden crown", "copper crown")


def _pick(rng: Rng, *names: str) -> str:
    return names[rng.integers(len(names))]


class _Item(NamedTuple):
    material: _Material
    tint: Floats  # (4,) factors on the material's colours
    angle: float | None  # radians, the way its stripes follow each other; none for the courses of a sloping roof


# ---------------------------------------------------------------- the scene and what can be drawn in it


class _Scene:
    """The picture in the making: which item each pixel shows, how high it is and how squarely it faces the sun."""

    def __init__(self, height: int, width: int, seed: int, gsd_m: float) -> None:
        rngs = [np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(14)]
        self.tints = rngs[:6]  # a generator per class and per purpose, so that one car more moves and recolours no roof
        self.layout, self.roofs, self.gardens, self.trees, self.cars, self.clutter, self.texture, self.sensor = rngs[6:]
        self.gsd = gsd_m
        self.ground = Image.new("I", (width, height), 0)
        self.standing = np.full((height, width), -1, np.int32)
        self.heights = np.zeros((height, width), np.float32)
        self.facing = np.ones((height, width), np.float32)
        self.roughness = 0.16 * _noise((256, 256), 0.45 / gsd_m, self.texture)  # metres, of crowns and heaps
        azimuth, elevation = np.radians(self.layout.uniform((125, 44), (235, 56)))  # clockwise from the top
        self.sun_ground = 1j * -np.exp(1j * azimuth) * np.cos(elevation)  # unit vector towards the sun: on the ground
        self.sun_up = float(np.sin(elevation))  # and upwards
        self.extent = complex(width, height) * gsd_m
        self.angle, *self.phases = self.layout.uniform((-0.6, 0, 0), (0.6, 6.28, 6.28))
        self.items: list[_Item] = []
        self.item("paving")  # item 0, the pavements: what streets and parcels leave

    def item(self, material: str, angle: float | None = 0.0) -> int:
        made_of = _MATERIALS[material]
        rng = self.tints[made_of.label]
        tint = (1 + 0.12 * rng.standard_normal()) * (1 + 0.015 * rng.standard_normal(4))
        self.items.append(_Item(made_of, tint.clip(0.75, 1.25), angle))
        return len(self.items) - 1

    def bend(self, place: Places) -> Places:
        """From the plan, where streets are straight and upright, to the scene, where they are turned and bent."""
        place = place + 6 * np.sin(place.imag / 55 + self.phases[0])
        place = place + 6j * np.sin(place.real / 65 + self.phases[1])
        return self.extent / 2 + place * np.exp(1j * self.angle)

    def contains(self, place: Places, margin: float = 0.0) -> bool:
        """Whether a place is in the scene, at least the margin away from its edges."""
        off = self.extent / 2 - margin * (1 + 1j)
        away = place - self.extent / 2
        return bool(abs(away.real) < off.real and abs(away.imag) < off.imag)

    def stand(self, corner: tuple[int, int], inside: NDArray[np.bool_], height: Floats, item: int) -> None:
        """Let a surface stand in the scene, seen wherever nothing higher hides it."""
        down, right = np.gradient(height, self.gsd)
        level = self.sun_up - right * self.sun_ground.real - down * self.sun_ground.imag
        facing = (level / np.sqrt(1 + right**2 + down**2) / self.sun_up).clip(0.25, 1.35)
        part = tuple(slice(max(0, -o), max(0, n - o)) for o, n in zip(corner, self.heights.shape, strict=True))
        whole = tuple(slice(max(0, o), max(0, o + n)) for o, n in zip(corner, height.shape, strict=True))
        seen = inside[part] & (height[part] > self.heights[whole])
        self.heights[whole][seen] = height[part][seen]
        self.facing[whole][seen] = facing[part][seen]
        self.standing[whole][seen] = item


class _Plot(NamedTuple):
    """A street or a parcel: a rectangle of the plan, and what can be drawn on it.

    Its places count metres across from its middle line and inward from its front, times 1j.
    """

    scene: _Scene
    front: complex  # the middle of the front, on the plan
    turn: complex  # the direction of across on the plan
    width: float
    length: float

    def at(self, place: complex | Places) -> Places:
        return self.scene.bend(np.asarray(self.front + place * self.turn))

    def heading(self, place: complex) -> float:
        return float(np.angle(self.at(place + 1) - self.at(place - 1)))

    def fill(self, item: int, *corners: complex) -> None:
        """Fill flat ground between corners, or two opposite ones; its sides bend with the plan."""
        if len(corners) == 2:
            p, q = corners
            corners = (p, complex(q.real, p.imag), q, complex(p.real, q.imag))
        sides = pairwise((*corners, corners[0]))
        outline = self.at(np.concatenate([np.linspace(p, q, 12, endpoint=False) for p, q in sides])) / self.scene.gsd
        ImageDraw.Draw(self.scene.ground).polygon([(z.real, z.imag) for z in outline.tolist()], fill=item)

    def blob(self, item: int, centre: complex, radius: float, rng: Rng) -> None:
        angles, wave, phase = np.linspace(0, 2 * np.pi, 24), rng.uniform(0.05, 0.2, 3), rng.uniform(0, 6.28, 3)
        reach = radius * (1 + sum(wave[k] * np.cos((k + 2) * angles + phase[k]) for k in range(3)))
        self.fill(item, *(centre + reach * np.exp(1j * angles)).tolist())

    def window(self, centre: complex, reach: float) -> tuple[tuple[int, int], Floats, Floats, Floats]:
        """The pixels around a place: their corner, their metres across and inward from it, and their roughness."""
        scene, middle = self.scene, self.at(centre)
        rows, columns = (int((m - reach) / scene.gsd) + np.arange(int(2 * reach / scene.gsd) + 3)
                         for m in (middle.imag, middle.real))  # fmt: skip
        offset = (columns + 0.5 + 1j * (rows[:, None] + 0.5)) * scene.gsd - middle
        offset *= np.exp(-1j * self.heading(centre))
        return (rows[0], columns[0]), offset.real, offset.imag, scene.roughness[np.ix_(rows % 256, columns % 256)]

    def box(self, item: int, centre: complex, half: complex, top: float, roughness: float = 0.0) -> None:
        corner, a, b, rough = self.window(centre, abs(half) + 0.6)
        rough = roughness * rough
        edge = np.minimum(half.real - abs(a), half.imag - abs(b)) + rough
        self.scene.stand(corner, edge >= 0, top + rough, item)

    def roof(self, item: int, centre: complex, half: complex, eaves: float, form: str) -> float:
        """A gable roof with its ridge "along" the front or "across" it, a "hip" or a "flat" roof. Gives its top."""
        corner, a, b, _ = self.window(centre, abs(half) + 0.5)
        from_gables, from_front = half.real - abs(a), half.imag - abs(b)
        inset = np.minimum(from_gables, from_front)
        parapet = np.where(inset < 0.35, 0.4, 0.0)
        rise = {"along": _PITCH * from_front, "across": _PITCH * from_gables, "hip": _PITCH * inset, "flat": parapet}
        height, inside = eaves + rise[form], inset >= 0
        top = float(height[inside].max())
        self.scene.stand(corner, inside, height, item)
        self.scene.stand(corner, inside & (height > top - 0.09), height + 0.05, self.scene.item("roof gravel"))
        return top

    def tree(self, kind: str, centre: complex, radius: float) -> None:
        """A crown is a cloud of domes, a conifer's is a ragged cone."""
        rng = self.scene.trees
        corner, a, b, rough = self.window(centre, 1.5 * radius)
        place = a + 1j * b
        if kind == "conifer":
            spokes = 1 + 0.12 * np.cos(9 * np.angle(place) + rng.uniform(0, 6.28))
            inside = 1 - abs(place) / (0.8 * radius * spokes) + 0.4 * rough
            height = 3 + 2 * radius * inside + rough
        else:
            inside = np.full_like(a, -1)
            for off in np.array([0, *rng.uniform(0.35, 0.75, 11)]) * radius:
                size = radius * rng.uniform(0.35, 0.6)
                away = abs(place - off * np.exp(1j * rng.uniform(0, 6.28))) / size
                inside = np.maximum(inside, (1 - away**2) * size / radius - 0.3 * off / radius + 0.2)
            inside = inside - 0.1 + 0.7 * rough
            height = 3.5 + rng.uniform(1.3, 2.0) * radius + 0.8 * radius * inside + rough
        self.scene.stand(corner, inside > 0, height, self.scene.item(kind))

    def heap(self, centre: complex, radius: float) -> None:
        corner, a, b, rough = self.window(centre, 1.5 * radius)
        inside = 1 - np.hypot(a, 1.2 * b) / radius + 0.5 * rough
        self.scene.stand(corner, inside > 0, 0.1 + 0.6 * radius * inside + rough, self.scene.item("rubble"))

    def car(self, centre: complex, crosswise: bool = False) -> None:
        """A car of about 4.5 x 1.8 m that points inward, or crosswise: its body, the glass of its cabin and its top."""
        rng = self.scene.cars
        corner, a, b, _ = self.window(centre + rng.normal(0, 0.1), 3.0)
        side, ahead = (b, a) if crosswise else (a, b)
        ahead = ahead * rng.choice((-1, 1))
        body, glass = self.scene.item(_pick(rng, *_CARS)), self.scene.item("car glass")
        outline = (side / 0.9) ** 4 + (ahead / rng.uniform(2.05, 2.45)) ** 6 < 1
        cabin = (abs(side) < 0.78) & (abs(ahead + 0.25) < 1.45)
        top = (abs(side) < 0.64) & (abs(ahead + 0.4) < 0.95)
        for part, height, item in (outline, 0.9, body), (cabin, 1.2, glass), (top, 1.45, body):
            self.scene.stand(corner, part, np.full_like(a, height), item)


# ---------------------------------------------------------------- layout


def _layout(scene: _Scene) -> tuple[list[_Plot], list[_Plot]]:
    """Cut the plan into blocks, where each cut is a street that ends on earlier ones, and the blocks into parcels."""
    rng = scene.layout
    streets: list[_Plot] = []
    parcels: list[_Plot] = []

    def cut(centre: complex, wide: float, high: float, depth: int) -> None:
        axis, long, short = (1, wide, high) if wide >= high else (1j, high, wide)
        if short <= 66 and long <= 106:
            parcels.extend(_parcels(scene, centre, axis, long, short))
            return
        width, share = 10.4 if depth < 2 else rng.uniform(7.6, 8.4), rng.uniform(0.42, 0.58)
        on = centre + axis * (share - 0.5) * long
        streets.append(_Plot(scene, on - axis * short / 2 * 1j, axis, width, short))
        for side, part in (-1, share * long - width / 2), (1, (1 - share) * long - width / 2):
            middle = on + side * axis * (width + part) / 2
            cut(middle, *((part, short) if axis == 1 else (short, part)), depth + 1)

    side = max(abs(scene.extent) + 40, 130)  # covers the scene however it is turned
    cut(0j, side, side, 0)
    return streets, parcels


def _parcels(scene: _Scene, centre: complex, axis: complex, long: float, short: float) -> list[_Plot]:
    """Parcels front the long sides of their block, back to back where it is deep enough."""
    parcels = []
    turns = (axis, -axis) if short > 36 else (axis,)
    for turn in turns:
        count = max(1, round(long / scene.layout.uniform(15, 19)))
        edges = np.linspace(-long / 2, long / 2, count + 1)
        edges[1:-1] += scene.layout.uniform(-1.5, 1.5, count - 1)
        for start, stop in pairwise(edges.tolist()):
            front = centre + turn * ((start + stop) / 2 - 1j * short / 2)
            parcels.append(_Plot(scene, front, turn, stop - start, short / len(turns)))
    return parcels


def _zoning(scene: _Scene, parcels: list[_Plot]) -> list[tuple[_Plot, Callable[[_Plot], None]]]:
    """Deal uses to the parcels like cards, those well inside the scene first, so that a small town has some of each."""
    near = [p for p in parcels if scene.contains(p.at(p.length / 2 * 1j), -30)]
    near = [near[k] for k in scene.layout.permutation(len(near))]
    near.sort(key=lambda p: not scene.contains(p.at(p.length / 2 * 1j), 8))
    deck = (_site, _parking, _flats, _house, _park, _house, _house, _flats, *[_house] * 7)
    return [(parcel, deck[k % len(deck)]) for k, parcel in enumerate(near)]


# ---------------------------------------------------------------- streets


def _build_street(street: _Plot, streets: list[_Plot]) -> None:
    scene, length, rng = street.scene, street.length, street.scene.layout
    half = street.width / 2 - _PAVEMENT
    for item, wide, on in (scene.item("kerb"), 0.2, 0.0), (scene.item("asphalt"), 0.0, 0.25):
        edge, reach = half + wide, _PAVEMENT + on
        street.fill(item, -edge - reach * 1j, edge + (length + reach) * 1j)
        for end, inner in (-reach * 1j, 0.2j), ((length + reach) * 1j, (length - 0.2) * 1j):  # the mouths are wider
            street.fill(item, end - edge - 1.5, end + edge + 1.5, inner + edge, inner - edge)
    for _ in range(int(length / 12)):  # repairs
        a, b, wide, long = rng.uniform((-half, 0, 0.5, 1.0), (half - 1.8, length, 1.8, 7.0))
        street.fill(scene.item("asphalt"), complex(a, b), complex(a + wide, b + long))
    marking = scene.item("marking")
    if half > 3:
        for b in np.arange(6, length - 8, 6.0):
            street.fill(marking, complex(-0.08, b), complex(0.08, b + 3))
    for b in (1.2, length - 4.2):
        if rng.random() < 0.6:  # a crossing
            for a in np.arange(0.4 - half, half - 0.6, 1.0):
                street.fill(marking, complex(a, b), complex(a + 0.5, b + 3))
    _park_along(street, half, [other for other in streets if other is not street])
    if scene.trees.random() < 0.7:
        kind, side = _pick(scene.trees, "broadleaf", "pale broadleaf"), scene.trees.choice((-1, 1))
        for b in np.arange(7, length - 6, scene.trees.uniform(8, 13)):
            street.tree(kind, complex(side * (half + 1.3), b), scene.trees.uniform(1.8, 3.2))


def _park_along(street: _Plot, half: float, others: list[_Plot]) -> None:
    """Cars at the kerb, away from the mouths of other streets, and on main roads some on their way."""
    rng = street.scene.cars
    for side in (-1, 1) if half > 3 else (rng.choice((-1, 1)),):
        b = rng.uniform(8, 14)
        while b < street.length - 9:
            place = complex(side * (half / 3 if half > 3 and rng.random() < 0.2 else half - 1.05), b)
            local = [((street.front + place * street.turn - o.front) / o.turn, o) for o in others]
            if all(abs(z.real) > o.width / 2 + 2 or not -9 < z.imag < o.length + 9 for z, o in local):
                street.car(place)
            b += rng.uniform(5.5, 32)


# ---------------------------------------------------------------- parcels


def _garden(plot: _Plot) -> None:
    """Lawn with worn and bare patches, and hedges on some of the boundaries."""
    scene, rng, half, length = plot.scene, plot.scene.gardens, plot.width / 2, plot.length
    mowing = plot.heading(length / 2 * 1j) + rng.choice((0, np.pi / 2))
    grass = scene.item(_pick(rng, "lawn", "lawn", "lawn", "dry grass"), mowing)
    plot.fill(grass, complex(-half, 0), complex(half, length))
    for kind in ("dry grass", "soil", "dry grass", "lawn"):
        a, b, radius = rng.uniform((2 - half, 2, 0.7), (half - 2, length - 2, 2.6))
        plot.blob(scene.item(kind), complex(a, b), radius, rng)
    beside = length / 2 * 1j
    for centre, reach in (beside - half, beside + 0.45), (length * 1j, half + 0.45j), (0.5j, half + 0.4j):
        if rng.random() < 0.5:
            plot.box(scene.item("hedge"), centre, reach, rng.uniform(1.2, 1.7), roughness=1)


def _plant(plot: _Plot, start: float, density: float) -> None:
    """Trees from a distance behind the front on, where no roof stands; their crowns may well reach over one."""
    scene, rng, half = plot.scene, plot.scene.trees, plot.width / 2
    for _ in range(rng.poisson(density * plot.width * (plot.length - start))):
        centre = complex(*rng.uniform((-half, start), (half, plot.length)))
        kind, radius = _pick(rng, *_CROWNS), rng.uniform(1.6, 2.6) + 2.2 * rng.random() ** 2
        trunk = plot.at(centre)
        pixel = (int(trunk.imag / scene.gsd), int(trunk.real / scene.gsd))
        if not (scene.contains(trunk) and scene.heights[pixel] > 2):
            plot.tree(kind, centre, radius)


def _house(plot: _Plot) -> None:
    scene, rng = plot.scene, plot.scene.roofs
    side = int(rng.choice((-1, 1)))
    front, deep, eaves = rng.uniform((2.5, 10.5, 4.0), (4.5, 13.0, 6.0))
    half = complex(min(plot.width - 4.4, rng.uniform(12, 17)), deep) / 2
    centre = complex(-side * (plot.width / 2 - half.real - 1), front + deep / 2)
    _garden(plot)
    _yard(plot, side, front + deep)
    form = _pick(rng, "along", "along", "hip", "across")
    kind = _pick(rng, "red tiles", "red tiles", "red tiles", "brown tiles", "brown tiles", "slate", "slate", "metal")
    seams = plot.heading(centre) + (np.pi / 2 if form == "across" else 0)
    roof = scene.item(kind, seams if kind == "metal" else None)
    top = plot.roof(roof, centre, half, eaves, form)
    wing, reach = rng.uniform((2.4, 2.5), (min(3.6, half.real - 1), 5.0))
    corner, back = float(rng.choice((-1, 1))) * (half.real - wing), half.imag * 1j
    shapes = ((), ((back, reach),), ((corner + back, reach),), ((corner + back, reach), (-corner - back, 1.6)))
    for away, out in shapes[rng.integers(4)]:
        plot.roof(roof, centre + away, complex(wing, out), eaves, "across")
    plot.box(scene.item("brown tiles"), centre + rng.uniform(-0.5, 0.5) * half.real + 0.8j, 0.35 + 0.35j, top + 0.7)
    if form == "along" and rng.random() < 0.35:
        pixels, a, b, _ = plot.window(centre, abs(half))
        slope = float(rng.choice((-1, 1))) * b / half.imag
        on = (abs(a) < 0.6 * half.real) & (slope > 0.2) & (slope < 0.75)
        scene.stand(pixels, on, eaves + 0.1 + _PITCH * (half.imag - abs(b)), scene.item("panel", plot.heading(centre)))
    _plant(plot, 1.5, 0.028)


def _yard(plot: _Plot, side: int, back: float) -> None:
    """What a house has around it: drive, garage, path, terrace, and often a bed, a pool or something left lying."""
    scene, rng, clutter = plot.scene, plot.scene.gardens, plot.scene.clutter
    edge, space = side * (plot.width / 2 - 0.3), plot.length - back
    drive = edge - side * 1.65
    pavings = ("paving", "gravel", "brick paving", "asphalt")
    drive_paving, yard_paving = scene.item(_pick(rng, *pavings)), scene.item(_pick(rng, *pavings))
    plot.fill(drive_paving, edge - 0.2j, edge - side * 3.1 + (back - 2) * 1j)
    plot.fill(yard_paving, -1 - 0.1j, 0.2 + back * 1j)
    plot.fill(yard_paving, complex(rng.uniform(-6, -2), back - 1), complex(rng.uniform(1, 5), back + rng.uniform(2, 4)))
    if rng.random() < 0.7:
        garage = scene.item(_pick(rng, "roof gravel", "sedum", "membrane", "red tiles"))
        plot.roof(garage, drive + (back - 1) * 1j, 1.6 + 3j, 2.7, "flat")
    if scene.cars.random() < 0.4:
        plot.car(complex(drive, scene.cars.uniform(2.6, 6.5)))
    if space > 8 and rng.random() < 0.5:
        bed = complex(rng.uniform(-4, 1), plot.length - rng.uniform(4.5, 6))
        plot.fill(scene.item("vegetable bed", plot.heading(bed)), bed, bed + complex(rng.uniform(3, 5), 3.5))
    reach, depth = plot.width / 2 - 3, max(back + 3.1, plot.length - 2)
    centre = complex(*clutter.uniform((-reach, back + 3), (reach, depth)))
    match _pick(clutter, "nothing", "pool", "heap", "container"):
        case "pool":
            plot.fill(yard_paving, centre - 3.2 - 2.2j, centre + 3.2 + 2.2j)
            plot.fill(scene.item("pool"), centre - 2.4 - 1.4j, centre + 2.4 + 1.4j)
        case "heap":
            plot.heap(centre, clutter.uniform(1.2, 1.9))
        case "container":
            plot.box(scene.item("red container", plot.heading(centre)), complex(drive, back - 6), 1.1 + 1.9j, 1.6)


def _flats(plot: _Plot) -> None:
    scene, rng, half = plot.scene, plot.scene.roofs, plot.width / 2
    deep, eaves = min(plot.length - 9, rng.uniform(15, 20)), rng.uniform(6.5, 9.5)
    _garden(plot)
    plot.fill(scene.item("paving"), -half - 0.1j, half + 5.5j)
    centre = (5 + deep / 2) * 1j
    roof = scene.item(_pick(rng, "roof gravel", "roof gravel", "membrane", "sedum"), plot.heading(centre))
    plot.roof(roof, centre, complex(half - 1, deep / 2), eaves, "flat")
    for _ in range(6):
        place, size = complex(*rng.uniform((2.5 - half, 7), (half - 2.5, 3 + deep))), complex(*rng.uniform(0.4, 1.3, 2))
        fitting = scene.item(_pick(rng, "membrane", "roof gravel", "panel", "metal"), plot.heading(place))
        plot.box(fitting, place, size, eaves + rng.uniform(0.3, 1.6))
    for a in np.arange(1.8 - half, half - 1.5, 2.8):
        if scene.cars.random() < 0.25:
            plot.car(a + 2.6j)
    _plant(plot, 6 + deep, 0.05)


def _parking(plot: _Plot) -> None:
    scene, half, length = plot.scene, plot.width / 2, min(plot.length - 2, 18)
    _garden(plot)
    plot.fill(scene.item("asphalt"), 0.8 - half - 0.2j, half - 0.8 + length * 1j)
    marking = scene.item("marking")
    for side in (-1, 1):
        for b in np.arange(3.0, length - 2.5, 2.6):
            plot.fill(marking, complex(side * (half - 0.9), b - 0.06), complex(side * (half - 5.6), b + 0.06))
            if scene.cars.random() < 0.45:
                plot.car(complex(side * (half - 3.4), b + 1.3), crosswise=True)
    _plant(plot, length, 0.06)


def _park(plot: _Plot) -> None:
    scene, half, length = plot.scene, plot.width / 2, plot.length
    _garden(plot)
    plot.fill(scene.item("gravel"), -2, 0, 3 + length / 2 * 1j, -1 + length * 1j, -3 + length * 1j, 1 + length / 2 * 1j)
    plot.blob(scene.item("pond"), -half / 2 + length / 2 * 1j, scene.clutter.uniform(2, 2.8), scene.clutter)
    _plant(plot, 1, 0.05)


def _site(plot: _Plot) -> None:
    """A building site: churned earth, a slab with its first walls, rubble and containers."""
    scene, rng, half = plot.scene, plot.scene.clutter, plot.width / 2
    _garden(plot)
    plot.fill(scene.item("gravel"), -half - 0.1j, half + 5j)
    plot.blob(scene.item("building earth"), 11j, 6.3, rng)
    slab, size = scene.item("slab", plot.heading(12j)), complex(*rng.uniform(3, 4, 2))
    plot.fill(slab, 11j - size, 11j + size)
    for b in (-size.imag, 0.0, size.imag):
        plot.box(slab, complex(0, 11 + b), size.real + 0.15j, 1.2)
    plot.heap(complex(half - 3, rng.uniform(7, 15)), rng.uniform(1.4, 2.2))
    for colour, a in ("red container", 4.2 - half), ("blue container", half - 4.2):
        plot.box(scene.item(colour, plot.heading(a + 3j)), a + 3j, 3 + 1.2j, 2.6)
    _plant(plot, plot.length - 7, 0.04)


# ---------------------------------------------------------------- shadows, light, sensor


def _noise(shape: tuple[int, int], cell: float, rng: Rng) -> Floats:
    """Smooth noise of zero mean and unit deviation, with features as large as a cell of so many pixels."""
    rows, columns = shape
    coarse = rng.standard_normal([max(2, int(n / max(cell, 1)) + 2) for n in shape], np.float32)
    smooth = np.asarray(Image.fromarray(coarse).resize((columns, rows), Image.Resampling.BICUBIC))
    return (smooth - smooth.mean()) / smooth.std()


def _blur(band: Floats) -> Floats:
    for _ in range(2):  # along each axis
        padded = np.pad(band, ((1, 1), (0, 0)), mode="edge")
        band = (0.5 * band + 0.25 * (padded[:-2] + padded[2:])).T
    return band


def _sunlit(scene: _Scene) -> Floats:
    """1 where the sun reaches the surface, 0 in shadow.

    The height that a surface must have to be lit doubles its reach at every step: what shades a pixel from up to 2n
    pixels away shades it from up to n away, or shades the pixel n further towards the sun from up to n away.
    """
    level = abs(scene.sun_ground)
    lit, reach, climb = scene.heights.copy(), 1, scene.sun_up / level * scene.gsd  # metres per pixel
    rows, columns = lit.shape
    while reach * climb < scene.heights.max():
        ahead = scene.sun_ground / level * reach
        right, down = round(ahead.real), round(ahead.imag)
        padded = np.pad(lit, ((max(0, -down), max(0, down)), (max(0, -right), max(0, right))))
        toward = padded[max(0, down) :, max(0, right) :][:rows, :columns]
        lit, reach = np.maximum(lit, toward - np.float32(reach * climb)), 2 * reach
    return _blur((lit <= scene.heights + 0.25).astype(np.float32))


def _light(scene: _Scene, items: NDArray[np.int32], sunlit: Floats) -> Floats:
    """Radiance (4, height, width): each item's two colours, mixed by its texture, under sun and sky."""
    rng, gsd, shape = scene.texture, scene.gsd, items.shape

    def each(values: list[float]) -> Floats:
        return np.array(values, np.float32)[items]

    mix = np.full(shape, 0.5, np.float32)
    for k, size in enumerate((0.25, 1.2, 6.0)):
        mix += each([item.material.noise[k] for item in scene.items]) * _noise(shape, size / gsd, rng)
    right, down = np.arange(shape[1], dtype=np.float32) * gsd, np.arange(shape[0], dtype=np.float32)[:, None] * gsd
    angles = [0.0 if item.angle is None else item.angle for item in scene.items]
    along = right * each([np.cos(angle) for angle in angles]) + down * each([np.sin(angle) for angle in angles])
    along = np.where(each([item.angle is None for item in scene.items]), scene.heights, along)
    wave = np.sin(along * each([2 * np.pi / item.material.period for item in scene.items]))
    mix = (mix + each([item.material.stripe for item in scene.items]) * wave).clip(-0.25, 1.25)
    sun = sunlit * scene.facing * (1 + 0.05 * _noise(shape, 50 / gsd, rng) + 0.03 * _noise(shape, 2.5 / gsd, rng))
    radiance = np.empty((4, *shape), np.float32)
    for band, sky in enumerate((0.36, 0.40, 0.47, 0.32)):
        low = each([item.material.low[band] * item.tint[band] for item in scene.items])
        high = each([item.material.high[band] * item.tint[band] for item in scene.items])
        cast = 1 + 0.018 * _noise(shape, 35 / gsd, rng)
        radiance[band] = (low + mix * (high - low)) * (sky + (1 - sky) * sun) * cast
    return radiance


def _sense(radiance: Floats, rng: Rng) -> NDArray[np.uint8]:
    """What the camera records: a little blur, haze and noise."""
    image = np.empty(radiance.shape, np.uint8)
    for band, haze in enumerate((6, 7, 11, 3)):
        noise = 2.2 * rng.standard_normal(image.shape[1:], np.float32)
        image[band] = np.rint(haze + 1.18 * _blur(radiance[band]) + noise).clip(0, 255)
    return image
