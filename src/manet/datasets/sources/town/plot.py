"""Plots of the plan, and what can be drawn on them: ground, boxes, roofs, trees, heaps and cars."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from PIL import ImageDraw

from manet.datasets.sources.town.chance import Floats, Rng, pick
from manet.datasets.sources.town.drawing import Drawing, Places
from manet.datasets.sources.town.materials import CARS

PITCH = 0.65  # rise of a roof over its run


class Plot(NamedTuple):
    """A street or a parcel: a rectangle of the plan.

    Places on it are complex numbers: metres across, from its middle line, plus 1j times metres inward from its front.
    """

    drawing: Drawing
    front: complex  # the middle of the front, on the plan
    turn: complex  # the direction of across on the plan
    width: float
    length: float

    def at(self, place: complex | Places) -> Places:
        """Places on the plot as places in the drawing: metres right plus 1j times metres down."""
        return self.drawing.bend(np.asarray(self.front + place * self.turn))

    def heading(self, place: complex) -> float:
        """The direction of across at a place, radians in the drawing."""
        return float(np.angle(self.at(place + 1) - self.at(place - 1)))

    def fill(self, item: int, *corners: complex) -> None:
        """Fill flat ground between corners, or in a rectangle between two; its sides bend with the plan."""
        if len(corners) == 2:
            p, q = corners
            corners = (p, complex(q.real, p.imag), q, complex(p.real, q.imag))
        sides = pairwise((*corners, corners[0]))
        outline = self.at(np.concatenate([np.linspace(p, q, 12, endpoint=False) for p, q in sides])) / self.drawing.gsd
        ImageDraw.Draw(self.drawing.ground).polygon([(z.real, z.imag) for z in outline.tolist()], fill=item)

    def blob(self, item: int, centre: complex, radius: float, rng: Rng) -> None:
        """Fill flat ground of irregular outline."""
        angles, wave, phase = np.linspace(0, 2 * np.pi, 24), rng.uniform(0.05, 0.2, 3), rng.uniform(0, 6.28, 3)
        reach = radius * (1 + sum(wave[k] * np.cos((k + 2) * angles + phase[k]) for k in range(3)))
        self.fill(item, *(centre + reach * np.exp(1j * angles)).tolist())

    def window(self, centre: complex, reach: float) -> tuple[tuple[int, int], Floats, Floats, Floats]:
        """The pixels around a place, up to a distance in metres.

        Returns:
            Row and column of the first pixel; then each pixel's metres across and inward from the place, and its
            roughness, (rows, columns) each.
        """
        drawing, middle = self.drawing, self.at(centre)
        span = np.arange(int(2 * reach / drawing.gsd) + 3)
        rows, columns = (int((m - reach) / drawing.gsd) + span for m in (middle.imag, middle.real))
        offset = (columns + 0.5 + 1j * (rows[:, None] + 0.5)) * drawing.gsd - middle
        offset *= np.exp(-1j * self.heading(centre))
        return (rows[0], columns[0]), offset.real, offset.imag, drawing.roughness[np.ix_(rows % 256, columns % 256)]

    def box(self, item: int, centre: complex, half: complex, top: float, roughness: float = 0.0) -> None:
        """Add a box with half its extent across and inward, and the height of its top, all in metres."""
        corner, a, b, rough = self.window(centre, abs(half) + 0.6)
        rough = roughness * rough
        edge = np.minimum(half.real - abs(a), half.imag - abs(b)) + rough
        self.drawing.stand(corner, edge >= 0, top + rough, item)

    def roof(self, item: int, centre: complex, half: complex, eaves: float, form: str) -> float:
        """Add a roof.

        Args:
            item: The item it shows.
            centre: Its middle.
            half: Half its extent across and inward, metres.
            eaves: Height of its lower edge, metres.
            form: A gable roof with its ridge "along" the front or "across" it, a "hip" or a "flat" roof.

        Returns:
            The height of its top, metres.
        """
        corner, a, b, _ = self.window(centre, abs(half) + 0.5)
        from_gables, from_front = half.real - abs(a), half.imag - abs(b)
        inset = np.minimum(from_gables, from_front)
        parapet = np.where(inset < 0.35, 0.4, 0.0)
        rise = {"along": PITCH * from_front, "across": PITCH * from_gables, "hip": PITCH * inset, "flat": parapet}
        height, inside = eaves + rise[form], inset >= 0
        top = float(height[inside].max())
        self.drawing.stand(corner, inside, height, item)
        self.drawing.stand(corner, inside & (height > top - 0.09), height + 0.05, self.drawing.item("roof gravel"))
        return top

    def tree(self, kind: str, centre: complex, radius: float) -> None:
        """Add a tree, whose crown is a cloud of domes or, for a conifer, a ragged cone."""
        rng = self.drawing.trees
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
        self.drawing.stand(corner, inside > 0, height, self.drawing.item(kind))

    def heap(self, centre: complex, radius: float) -> None:
        """Add a heap of rubble."""
        corner, a, b, rough = self.window(centre, 1.5 * radius)
        inside = 1 - np.hypot(a, 1.2 * b) / radius + 0.5 * rough
        self.drawing.stand(corner, inside > 0, 0.1 + 0.6 * radius * inside + rough, self.drawing.item("rubble"))

    def car(self, centre: complex, crosswise: bool = False) -> None:
        """Add a car of about 4.5 x 1.8 m that points inward or crosswise: its body, the glass of its cabin, its top."""
        rng = self.drawing.cars
        corner, a, b, _ = self.window(centre + rng.normal(0, 0.1), 3.0)
        side, ahead = (b, a) if crosswise else (a, b)
        ahead = ahead * rng.choice((-1, 1))
        body, glass = self.drawing.item(pick(rng, *CARS)), self.drawing.item("car glass")
        outline = (side / 0.9) ** 4 + (ahead / rng.uniform(2.05, 2.45)) ** 6 < 1
        cabin = (abs(side) < 0.78) & (abs(ahead + 0.25) < 1.45)
        top = (abs(side) < 0.64) & (abs(ahead + 0.4) < 0.95)
        for part, height, item in (outline, 0.9, body), (cabin, 1.2, glass), (top, 1.45, body):
            self.drawing.stand(corner, part, np.full_like(a, height), item)
