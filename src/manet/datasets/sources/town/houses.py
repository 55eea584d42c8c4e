"""Houses, and what is around them."""

import numpy as np

from manet.datasets.sources.town.chance import pick
from manet.datasets.sources.town.gardens import garden, plant
from manet.datasets.sources.town.plot import PITCH, Plot


def house(plot: Plot) -> None:
    """Draw a house with its garden and yard."""
    drawing, rng = plot.drawing, plot.drawing.roofs
    side = int(rng.choice((-1, 1)))
    front, deep, eaves = rng.uniform((2.5, 10.5, 4.0), (4.5, 13.0, 6.0))
    half = complex(min(plot.width - 4.4, rng.uniform(12, 17)), deep) / 2
    centre = complex(-side * (plot.width / 2 - half.real - 1), front + deep / 2)
    garden(plot)
    _yard(plot, side, front + deep)
    form = pick(rng, "along", "along", "hip", "across")
    kind = pick(rng, "red tiles", "red tiles", "red tiles", "brown tiles", "brown tiles", "slate", "slate", "metal")
    seams = plot.heading(centre) + (np.pi / 2 if form == "across" else 0)
    roof = drawing.item(kind, seams if kind == "metal" else None)
    top = plot.roof(roof, centre, half, eaves, form)
    wing, reach = rng.uniform((2.4, 2.5), (min(3.6, half.real - 1), 5.0))
    corner, back = float(rng.choice((-1, 1))) * (half.real - wing), half.imag * 1j
    shapes = ((), ((back, reach),), ((corner + back, reach),), ((corner + back, reach), (-corner - back, 1.6)))
    for away, out in shapes[rng.integers(4)]:
        plot.roof(roof, centre + away, complex(wing, out), eaves, "across")
    plot.box(drawing.item("brown tiles"), centre + rng.uniform(-0.5, 0.5) * half.real + 0.8j, 0.35 + 0.35j, top + 0.7)
    if form == "along" and rng.random() < 0.35:
        pixels, a, b, _ = plot.window(centre, abs(half))
        slope = float(rng.choice((-1, 1))) * b / half.imag
        on = (abs(a) < 0.6 * half.real) & (slope > 0.2) & (slope < 0.75)
        drawing.stand(
            pixels, on, eaves + 0.1 + PITCH * (half.imag - abs(b)), drawing.item("panel", plot.heading(centre))
        )
    plant(plot, 1.5, 0.028)


def _yard(plot: Plot, side: int, back: float) -> None:
    """Draw drive, path and terrace, and often a garage, a bed, a pool or something that was left lying."""
    drawing, rng, clutter = plot.drawing, plot.drawing.gardens, plot.drawing.clutter
    edge, space = side * (plot.width / 2 - 0.3), plot.length - back
    drive = edge - side * 1.65
    pavings = ("paving", "gravel", "brick paving", "asphalt")
    drive_paving, yard_paving = drawing.item(pick(rng, *pavings)), drawing.item(pick(rng, *pavings))
    plot.fill(drive_paving, edge - 0.2j, edge - side * 3.1 + (back - 2) * 1j)
    plot.fill(yard_paving, -1 - 0.1j, 0.2 + back * 1j)
    plot.fill(yard_paving, complex(rng.uniform(-6, -2), back - 1), complex(rng.uniform(1, 5), back + rng.uniform(2, 4)))
    if rng.random() < 0.7:
        garage = drawing.item(pick(rng, "roof gravel", "sedum", "membrane", "red tiles"))
        plot.roof(garage, drive + (back - 1) * 1j, 1.6 + 3j, 2.7, "flat")
    if drawing.cars.random() < 0.4:
        plot.car(complex(drive, drawing.cars.uniform(2.6, 6.5)))
    if space > 8 and rng.random() < 0.5:
        bed = complex(rng.uniform(-4, 1), plot.length - rng.uniform(4.5, 6))
        plot.fill(drawing.item("vegetable bed", plot.heading(bed)), bed, bed + complex(rng.uniform(3, 5), 3.5))
    reach, depth = plot.width / 2 - 3, max(back + 3.1, plot.length - 2)
    centre = complex(*clutter.uniform((-reach, back + 3), (reach, depth)))
    match pick(clutter, "nothing", "pool", "heap", "container"):
        case "pool":
            plot.fill(yard_paving, centre - 3.2 - 2.2j, centre + 3.2 + 2.2j)
            plot.fill(drawing.item("pool"), centre - 2.4 - 1.4j, centre + 2.4 + 1.4j)
        case "heap":
            plot.heap(centre, clutter.uniform(1.2, 1.9))
        case "container":
            plot.box(drawing.item("red container", plot.heading(centre)), complex(drive, back - 6), 1.1 + 1.9j, 1.6)
