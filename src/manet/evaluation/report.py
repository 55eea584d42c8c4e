"""Scores as files."""

import csv
from pathlib import Path

from manet.evaluation.evaluate import Evaluation
from manet.raster.writer import replacing


def write_scores(evaluation: Evaluation, out: Path, overwrite: bool = False) -> None:
    """`scores.json` with everything, `scores.csv` with a row a class. Raises OutputError where they exist."""
    with replacing(out / "scores.json", overwrite) as partial:
        partial.write_text(evaluation.model_dump_json(indent=1), encoding="utf-8")
    with replacing(out / "scores.csv", overwrite) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["class", "precision", "recall", "f1", "iou", "pixels"])
        for name, c in evaluation.scores.classes.items():
            rows.writerow([name, c.precision, c.recall, c.f1, c.iou, c.pixels])
