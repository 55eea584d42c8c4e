"""`manet assess` as its user meets it."""

import csv
from pathlib import Path

import numpy as np
from rasterio.crs import CRS
from rasterio.transform import Affine

from builders import Run, one_line
from manet.datasets.sources.town import draw
from manet.legend import ISPRS
from manet.raster.windows import Window
from manet.raster.writer import write_classes


def _write(path: Path, classes: np.ndarray) -> Path:
    place = {"crs": CRS.from_epsg(32632), "transform": Affine(0.5, 0, 5e5, 0, -0.5, 5.3e6)}
    with write_classes(path, height=160, width=224, legend=ISPRS, **place) as raster:
        raster.write(classes, Window(0, 0, 160, 224))
    return path


def test_from_map_to_report(run: Run, tmp_path: Path) -> None:
    truth = draw(160, 224, 3, 0.5).labels
    map_file = _write(tmp_path / "map.tif", np.roll(truth, 2, 0))
    sample = tmp_path / "sample.csv"
    status, out, _ = run("assess", "design", map_file, "--out", sample, "--size", 320, "--minimum", 20)
    assert status == 0 and "320 points, expected standard error" in out and "impervious surfaces" in out
    with sample.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        at = int((5.3e6 - float(row["y"])) / 0.5), int((float(row["x"]) - 5e5) / 0.5)
        row["reference"] = ISPRS.names[truth[at]]
    with sample.open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    report = tmp_path / "report"
    status, out, _ = run("assess", "estimate", sample, "--map", map_file, "--out", report)
    assert status == 0 and "overall accuracy" in out and "written to" in out and (report / "report.md").exists()
    status, _, error = run("assess", "estimate", sample, "--map", map_file, "--out", report)
    assert status == 2 and "--overwrite" in one_line(error)
    labels = _write(tmp_path / "labels.tif", truth)
    status, out, _ = run(
        "assess", "labelled", map_file, "--labels", labels, "--block", 32, "--out", tmp_path / "blocks"
    )
    assert status == 0 and "blocks of 32 x 32 pixels, 35 of 35" in out
    status, out, _ = run("assess", "change", labels, map_file, "--out", tmp_path / "change.tif")
    assert status == 0 and "36 transitions" in out


def test_one_line_for_every_mistake(run: Run, tmp_path: Path) -> None:
    map_file = _write(tmp_path / "map.tif", np.arange(160 * 224, dtype=np.int64).reshape(160, 224) % 6)
    out = tmp_path / "x.gpkg"
    for arguments, words in (
        (("design", tmp_path / "no.tif", "--out", out), "no image at"),
        (
            ("design", map_file, "--out", out, "--expected", "tree"),
            "such as building=0.9 (see --expected)",
        ),
        (("design", map_file, "--out", out, "--size", 20), "(see --size)"),
        (("design", map_file, "--out", out, "--design", "blocks"), "give their number (see --size)"),
        (("design", map_file, "--out", out, "--target", "area:trees"), "(see --target)"),
        (("estimate", out, "--map", map_file, "--out", tmp_path / "report"), "no sample at"),
        (("labelled", map_file, "--labels", map_file, "--out", tmp_path / "report"), "(see --block)"),
        (("change", map_file, map_file, "--out", map_file), "is the input"),
    ):
        status, _, error = run("assess", *arguments)
        assert status == 2 and words in one_line(error), (arguments, error)
    assert not out.exists() and not (tmp_path / "report").exists()
