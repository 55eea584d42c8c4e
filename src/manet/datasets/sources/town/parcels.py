"""Parcels: what each is used for, and all uses except houses."""

from itertools import cycle

import numpy as np

from manet.datasets.sources.town.chance import pick
from manet.datasets.sources.town.drawing import Drawing
from manet.datasets.sources.town.gardens import garden, plant
from manet.datasets.sources.town.houses import house
from manet.datasets.sources.town.plot import Plot


def build_parcels(drawing: Drawing, parcels: list[Plot]) -> None:
    """Deal uses to parcels, first to those well inside the drawing, so that a small town has several uses too."""
    near = [p for p in parcels if drawing.contains(p.at(p.length / 2 * 1j), -30)]
    near = [near[k] for k in drawing.layout.permutation(len(near))]
    near.sort(key=lambda p: not drawing.contains(p.at(p.length / 2 * 1j), 8))
    deck = (_site, _parking, _flats, house, _park, house, house, _flats, *[house] * 7)
    for parcel, build in zip(near, cycle(deck), strict=False):
        build(parcel)


def _flats(plot: Plot) -> None:
    """A block of flats with a flat roof."""
    drawing, rng, half = plot.drawing, plot.drawing.roofs, plot.width / 2
    deep, eaves = min(plot.length - 9, rng.uniform(15, 20)), rng.uniform(6.5, 9.5)
    garden(plot)
    plot.fill(drawing.item("paving"), -half - 0.1j, half + 5.5j)
    centre = (5 + deep / 2) * 1j
    roof = drawing.item(pick(rng, "roof gravel", "roof gravel", "membrane", "sedum"), plot.heading(centre))
    plot.roof(roof, centre, complex(half - 1, deep / 2), eaves, "flat")
    for _ in range(6):
        place, size = complex(*rng.uniform((2.5 - half, 7), (half - 2.5, 3 + deep))), complex(*rng.uniform(0.4, 1.3, 2))
        fitting = drawing.item(pick(rng, "membrane", "roof gravel", "panel", "metal"), plot.heading(place))
        plot.box(fitting, place, size, eaves + rng.uniform(0.3, 1.6))
    for a in np.arange(1.8 - half, half - 1.5, 2.8):
        if drawing.cars.random() < 0.25:
            plot.car(a + 2.6j)
    plant(plot, 6 + deep, 0.05)


def _parking(plot: Plot) -> None:
    """A car park with marked places on both sides."""
    drawing, half, length = plot.drawing, plot.width / 2, min(plot.length - 2, 18)
    garden(plot)
    plot.fill(drawing.item("asphalt"), 0.8 - half - 0.2j, half - 0.8 + length * 1j)
    marking = drawing.item("marking")
    for side in (-1, 1):
        for b in np.arange(3.0, length - 2.5, 2.6):
            plot.fill(marking, complex(side * (half - 0.9), b - 0.06), complex(side * (half - 5.6), b + 0.06))
            if drawing.cars.random() < 0.45:
                plot.car(complex(side * (half - 3.4), b + 1.3), crosswise=True)
    plant(plot, length, 0.06)


def _park(plot: Plot) -> None:
    """A park with a path and a pond."""
    drawing, half, length = plot.drawing, plot.width / 2, plot.length
    garden(plot)
    plot.fill(
        drawing.item("gravel"), -2, 0, 3 + length / 2 * 1j, -1 + length * 1j, -3 + length * 1j, 1 + length / 2 * 1j
    )
    plot.blob(drawing.item("pond"), -half / 2 + length / 2 * 1j, drawing.clutter.uniform(2, 2.8), drawing.clutter)
    plant(plot, 1, 0.05)


def _site(plot: Plot) -> None:
    """A building site: bare earth, a slab with its first walls, rubble and containers."""
    drawing, rng, half = plot.drawing, plot.drawing.clutter, plot.width / 2
    garden(plot)
    plot.fill(drawing.item("gravel"), -half - 0.1j, half + 5j)
    plot.blob(drawing.item("building earth"), 11j, 6.3, rng)
    slab, size = drawing.item("slab", plot.heading(12j)), complex(*rng.uniform(3, 4, 2))
    plot.fill(slab, 11j - size, 11j + size)
    for b in (-size.imag, 0.0, size.imag):
        plot.box(slab, complex(0, 11 + b), size.real + 0.15j, 1.2)
    plot.heap(complex(half - 3, rng.uniform(7, 15)), rng.uniform(1.4, 2.2))
    for colour, a in ("red container", 4.2 - half), ("blue container", half - 4.2):
        plot.box(drawing.item(colour, plot.heading(a + 3j)), a + 3j, 3 + 1.2j, 2.6)
    plant(plot, plot.length - 7, 0.04)
