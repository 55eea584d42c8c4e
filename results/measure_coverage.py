"""Whether the intervals of `manet assess` cover: samples of a flawed map of the generated town, whose truth is known.

python results/measure_coverage.py [--samples 10000] [--out results/assessment]

Every design is drawn again and again, estimated by the library's own estimators, and compared with the truth.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from scipy.ndimage import gaussian_filter

from manet.assessment.accuracy import Units, assessment, estimate_units, points_as_units
from manet.assessment.allocation import allocate, deviations
from manet.assessment.estimators import Clustered, Stratified, post_stratified
from manet.datasets.sources.town import draw
from manet.legend import ISPRS
from manet.tables import TextTable

HEIGHT, WIDTH, GSD_M, SEED = 1536, 2048, 0.13, 11
POINTS, BLOCK = 400, 32
CLASSES = len(ISPRS)

Raster = NDArray[np.uint8]
Drawn = tuple[Units, Stratified | Clustered]


def flawed(truth: Raster) -> Raster:
    """A map with shifted outlines, and with trees, buildings, vegetation and cars taken for others in patches."""
    rng = np.random.default_rng(SEED)

    def patches(share: float, size: float) -> NDArray[np.bool_]:
        field = gaussian_filter(rng.standard_normal(truth.shape), size)
        return field > np.quantile(field, 1 - share)

    found = np.roll(truth, (2, -2), (0, 1))
    shifted = found.copy()
    for old, new, share, size in (
        (3, 2, 0.15, 12),
        (1, 0, 0.08, 15),
        (2, 5, 0.05, 8),
        (0, 2, 0.04, 10),
        (4, 0, 0.4, 6),
    ):
        found[(shifted == old) & patches(share, size)] = new
    return found


class Town:
    """The truth, the flawed map, and what is known of both."""

    def __init__(self) -> None:
        labels = draw(HEIGHT, WIDTH, SEED, GSD_M).labels
        self.map = flawed(labels)
        self.reference, self.mapped = labels.ravel(), self.map.ravel()
        cells = np.bincount(self.mapped.astype(int) * CLASSES + self.reference, minlength=CLASSES**2)
        self.cells = cells.reshape(CLASSES, CLASSES) / labels.size
        self.pixels = np.bincount(self.mapped, minlength=CLASSES)
        self.shares = self.pixels / labels.size
        self.members = [np.flatnonzero(self.mapped == c) for c in range(CLASSES)]
        ends = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
        self.quarters = [ends[r : r + 768, c : c + 1024].ravel() for r in (0, 768) for c in (0, 1024)]
        codes = (self.map.astype(int) * CLASSES + labels).reshape(HEIGHT // BLOCK, BLOCK, WIDTH // BLOCK, BLOCK)
        of_block = codes.transpose(0, 2, 1, 3).reshape(-1, BLOCK * BLOCK)
        self.blocks = np.stack([np.bincount(block, minlength=CLASSES**2) for block in of_block]).astype(np.float64)

    @property
    def truth(self) -> dict[str, NDArray[np.float64]]:
        """What the estimates are to meet."""
        right = np.diag(self.cells)
        return {
            "overall": right.sum(keepdims=True),
            "share": self.cells.sum(axis=0),
            "users": right / self.cells.sum(axis=1),
            "producers": right / self.cells.sum(axis=0),
        }

    def of(self, pixels: NDArray[np.integer]) -> Units:
        """Sampled pixels."""
        return points_as_units(self.mapped[pixels], self.reference[pixels], CLASSES)


def stratified(town: Town, allocation: str) -> Callable[[np.random.Generator], Drawn]:
    """Points in the map's classes."""
    names = ISPRS.names
    weights, spread = deviations("overall", names, town.shares, {})
    counts = allocate(POINTS, allocation, town.pixels, weights, spread, town.shares, 50)  # type: ignore[arg-type]
    stratum = np.repeat(np.arange(CLASSES), counts)

    def once(rng: np.random.Generator) -> Drawn:
        chosen = [m[rng.choice(len(m), n, replace=False)] for m, n in zip(town.members, counts, strict=True)]
        estimator = Stratified(stratum, np.ones(POINTS), town.shares, counts / town.pixels)
        return town.of(np.concatenate(chosen)), estimator

    return once


def other_strata(town: Town) -> Callable[[np.random.Generator], Drawn]:
    """Points in the quarters of the town, which are not the map's classes."""
    stratum, each = np.repeat(np.arange(4), POINTS // 4), POINTS // 4

    def once(rng: np.random.Generator) -> Drawn:
        chosen = [m[rng.choice(len(m), each, replace=False)] for m in town.quarters]
        fraction = np.full(4, each / len(town.quarters[0]))
        return town.of(np.concatenate(chosen)), Stratified(stratum, np.ones(POINTS), np.full(4, 0.25), fraction)

    return once


def random(town: Town) -> Callable[[np.random.Generator], Drawn]:
    """Points anywhere, stratified afterwards."""

    def once(rng: np.random.Generator) -> Drawn:
        return _afterwards(town, rng.choice(town.mapped.size, POINTS, replace=False))

    return once


def systematic(town: Town) -> Callable[[np.random.Generator], Drawn]:
    """Points on a grid with a random start, stratified afterwards."""
    step = round((town.mapped.size / POINTS) ** 0.5)

    def once(rng: np.random.Generator) -> Drawn:
        row, col = rng.integers(0, step, 2)
        rows, columns = np.arange(row, HEIGHT, step), np.arange(col, WIDTH, step)
        return _afterwards(town, (rows[:, None] * WIDTH + columns).ravel())

    return once


def _afterwards(town: Town, pixels: NDArray[np.integer]) -> Drawn:
    fraction = len(pixels) / town.mapped.size
    estimator, _ = post_stratified(town.mapped[pixels], np.ones(len(pixels)), town.shares, fraction)
    return town.of(pixels), estimator


def blocks(town: Town, count: int) -> Callable[[np.random.Generator], Drawn]:
    """Blocks that are fully labelled."""
    used = np.flatnonzero(town.blocks.any(axis=0))
    pairs = np.stack(np.divmod(used, CLASSES), axis=1)
    values = town.blocks[:, used]

    def once(rng: np.random.Generator) -> Drawn:
        chosen = values[rng.choice(len(values), count, replace=False)]
        units = Units(pairs, chosen, chosen.sum(axis=0).astype(np.int64))
        return units, Clustered(chosen.sum(axis=1), count / len(values))

    return once


def measure(town: Town, once: Callable[[np.random.Generator], Drawn], difference: bool, samples: int) -> list[dict]:
    """One row per quantity: coverage, bias and standard errors over many samples."""
    rng = np.random.default_rng(SEED)
    truth = town.truth
    values = {kind: np.zeros((samples, len(true))) for kind, true in truth.items()}
    errors, lows, highs = ({kind: np.full_like(v, np.nan) for kind, v in values.items()} for _ in range(3))
    for number in range(samples):
        units, estimator = once(rng)
        estimated = estimate_units(units, estimator, town.shares, difference=difference)
        found = assessment(estimated, units, estimator, ISPRS.names, town.shares, None, design="")
        estimates = {
            "overall": [found.overall],
            "share": [c.share for c in found.classes],
            "users": [c.users for c in found.classes],
            "producers": [c.producers for c in found.classes],
        }
        for kind, several in estimates.items():
            for index, one in enumerate(several):
                values[kind][number, index] = np.nan if one is None else one.value
                if one is not None and one.low is not None:
                    errors[kind][number, index] = one.standard_error
                    lows[kind][number, index], highs[kind][number, index] = one.low, one.high
    rows: list[dict] = []
    for kind, true in truth.items():
        for index, wanted in enumerate(true.tolist()):
            value, low, high = (of[kind][:, index] for of in (values, lows, highs))
            given = np.isfinite(low)
            spread = float(np.nanstd(value))
            covered = (low <= wanted) & (wanted <= high)
            rows.append(
                {
                    "quantity": kind,
                    "class": "" if kind == "overall" else ISPRS.names[index],
                    "truth": round(wanted, 6),
                    "coverage": round(float(covered[given].mean()), 4),
                    "bias_in_standard_errors": round(float((np.nanmean(value) - wanted) / spread), 4),
                    "standard_error": round(spread, 6),
                    "estimated_standard_error": round(float(errors[kind][given, index].mean()), 6),
                    "without_interval": round(float(1 - given.mean()), 4),
                }
            )
    return rows


def page(town: Town, found: dict[str, list[dict]], samples: int) -> str:
    """The report as Markdown."""
    truth = town.truth
    lines = [
        "# Do the intervals cover?",
        "",
        f"The generated town ({HEIGHT} x {WIDTH} pixels, seed {SEED}) and a map of it with shifted outlines and with "
        "trees, buildings, vegetation and cars taken for others in patches. "
        f"{samples:,} samples of each design: {POINTS} points, or fully labelled blocks of {BLOCK} x {BLOCK} pixels. "
        "Made by `python results/measure_coverage.py`; all numbers are in coverage.json.",
        "",
    ]
    rows = [
        (name, *(f"{100 * v:.2f}" for v in (m, truth["share"][i], truth["users"][i], truth["producers"][i])))
        for i, (name, m) in enumerate(zip(ISPRS.names, town.shares.tolist(), strict=True))
    ]
    title = f"Town and map, %: overall accuracy {100 * truth['overall'][0]:.2f}"
    lines += TextTable(title, ("class", "mapped", "true", "user's", "producer's"), rows).markdown()
    for kind, title in (
        ("share", "Areas"),
        ("users", "User's accuracies"),
        ("producers", "Producer's accuracies"),
    ):
        columns = ("design", *(["overall accuracy"] if kind == "share" else []), *ISPRS.names)
        rows = [
            (design, *(_cell(r) for r in of if r["quantity"] == kind or (kind == "share" and not r["class"])))
            for design, of in found.items()
        ]
        table = TextTable(f"{title}: coverage of the 95 % intervals, % (bias in standard errors)", columns, rows)
        lines += table.markdown()
    none = [
        (design, *(f"{100 * r['without_interval']:.1f}" for r in of if r["quantity"] == "producers"))
        for design, of in found.items()
    ]
    title = "Producer's accuracies: samples without an interval, since nothing missed was found, %"
    lines += TextTable(title, ("design", *ISPRS.names), none).markdown()
    return "\n".join(lines)


def _cell(row: dict) -> str:
    return f"{100 * row['coverage']:.1f} ({row['bias_in_standard_errors']:+.2f})"


def main() -> None:
    """Measure every design, and write the numbers and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "assessment")
    arguments = parser.parse_args()
    town, console = Town(), Console()
    designs = {
        "stratified, proportional": (stratified(town, "proportional"), False),
        "stratified, at least 50": (stratified(town, "compromise"), False),
        "stratified, equal": (stratified(town, "equal"), False),
        "strata that are not classes": (other_strata(town), False),
        "random": (random(town), True),
        "systematic": (systematic(town), True),
        "400 blocks": (blocks(town, 400), True),
        "400 blocks, without the map's areas": (blocks(town, 400), False),
        "100 blocks": (blocks(town, 100), True),
    }
    found: dict[str, list[dict]] = {}
    for name, (once, difference) in designs.items():
        found[name] = measure(town, once, difference, arguments.samples)
        console.print(name, min(r["coverage"] for r in found[name]), highlight=False)
    arguments.out.mkdir(parents=True, exist_ok=True)
    document = {"samples": arguments.samples, "points": POINTS, "block": BLOCK, "designs": found}
    (arguments.out / "coverage.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    (arguments.out / "coverage.md").write_text(page(town, found, arguments.samples), encoding="utf-8")


if __name__ == "__main__":
    main()
