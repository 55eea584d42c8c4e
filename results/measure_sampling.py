"""Time and memory of `manet assess` on maps of growing size.

python results/measure_sampling.py [--sides 5000 20000] [--json results/assessment/sampling.json]

The maps are the generated town, repeated; they are written into a temporary folder. Memory is the largest of each
command's process.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rasterio.crs import CRS
from rasterio.transform import Affine
from rich.console import Console

from manet.datasets.sources.town import draw
from manet.legend import ISPRS
from manet.raster.windows import tiles
from manet.raster.writer import write_classes

TOWN = 1024


def write_map(path: Path, side: int) -> None:
    """Write a map of side x side pixels."""
    town = draw(TOWN, TOWN, 11, 0.13).labels
    place = {"crs": CRS.from_epsg(32632), "transform": Affine(0.13, 0, 500_000, 0, -0.13, 5_300_000)}
    with write_classes(path, height=side, width=side, legend=ISPRS, **place) as raster:
        for window in tiles(side, side, TOWN):
            raster.write(town[: window.height, : window.width], window)


def label_as_mapped(path: Path) -> None:
    """Fill in the reference of a sample: what is mapped, but for every tenth point."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows):
        row["reference"] = row["mapped"] if number % 10 else "tree"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)


def measured(*arguments: object) -> dict[str, float]:
    """Seconds and megabytes of one command."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "manet", "assess", *map(str, arguments)], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, arguments
    return {"seconds": round(time.perf_counter() - begin, 1), "peak_mb": round(usage.ru_maxrss / 1024)}


def main() -> None:
    """Measure, print, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[5000, 20_000])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    console, found = Console(), []
    with tempfile.TemporaryDirectory() as folder:
        for side in arguments.sides:
            path, sample = Path(folder) / f"{side}.tif", Path(folder) / f"{side}.csv"
            write_map(path, side)
            for what, command in (
                ("design, stratified, 1000 points", ("design", path, "--out", sample, "--size", 1000)),
                ("estimate", ("estimate", sample, "--map", path, "--out", Path(folder) / f"report{side}")),
                (
                    "design, systematic",
                    ("design", path, "--out", Path(folder) / f"g{side}.csv", "--design", "systematic", "--size", 1000),
                ),
                (
                    "design, 100 blocks",
                    ("design", path, "--out", Path(folder) / f"b{side}.gpkg", "--design", "blocks", "--size", 100),
                ),
            ):
                found.append({"side": side, "what": what} | measured(*command))
                console.print(found[-1], highlight=False)
                if what.startswith("design, strat"):
                    label_as_mapped(sample)
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": found}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
