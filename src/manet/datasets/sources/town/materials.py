"""The materials of a town: their classes, colours and textures."""

from typing import NamedTuple

_IMPERVIOUS, _BUILDING, _LOW_VEGETATION, _TREE, _CAR, _CLUTTER = range(6)


class Material(NamedTuple):
    """A class, and two colours (red, green, blue, near infrared) that noise and stripes mix from pixel to pixel."""

    label: int
    low: tuple[int, int, int, int]
    high: tuple[int, int, int, int]
    noise: tuple[float, float, float] = (0.15, 0.1, 0.1)  # amplitudes for features of 0.25, 1.2 and 6 m
    stripe: float = 0.0
    period: float = 1.0  # metres from stripe to stripe


_M = Material
_GRASS, _LEAVES, _TILES = (0.3, 0.28, 0.3), (0.3, 0.2, 0.1), (0.15, 0.12, 0.15)
MATERIALS = {
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
CARS = ("white car", "white car", "silver car", "silver car", "black car", "black car", "red car", "blue car")
CROWNS = (*["broadleaf"] * 5, *["pale broadleaf"] * 2, *["conifer"] * 2, "golden crown", "copper crown")
