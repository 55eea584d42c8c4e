"""The parts of a page that show scores: of classes, of objects by size, confusion and calibration."""

import numpy as np

from manet.evaluation.objects import size_names
from manet.evaluation.protocol import Protocol
from manet.evaluation.scoring import Evaluation
from manet.page.charts import bars, line_chart
from manet.page.parts import Cell, Shade, Share, grid, paragraph, table
from manet.tables import short


def percent(value: float | None) -> str:
    """A share in percent; a dash for None."""
    return "-" if value is None else f"{100 * value:.2f} %"


def main_figures(evaluation: Evaluation) -> dict[str, str]:
    """The figures that are read first, by name."""
    scores, boundary, calibration = evaluation.scores, evaluation.boundary, evaluation.calibration
    count = len(evaluation.protocol.foreground)
    of = f" of {count} classes" if count > 1 else f" of {evaluation.protocol.foreground[0]}" if count else ""
    figures = {
        f"mean IoU{of}" if count != 1 else f"IoU{of}": percent(scores.mean_iou),
        "mean F1" if count != 1 else "F1": percent(scores.mean_f1),
        "overall accuracy": percent(scores.overall_accuracy),
    }
    if boundary:
        figures["boundary F1"] = percent(boundary.mean_f1)
    if calibration:
        figures["expected calibration error"] = percent(calibration.error)
    return figures


def class_table(evaluation: Evaluation) -> str:
    """Scores of each class, and their means."""
    protocol, scores, boundary = evaluation.protocol, evaluation.scores, evaluation.boundary
    columns = ["class", "IoU", "F1", "precision", "recall", *(["boundary F1", "boundary IoU"] if boundary else [])]
    rows: list[list[Cell]] = []
    for name, c in scores.classes.items():
        more = [Share(boundary.classes[name].f1), Share(boundary.classes[name].iou)] if boundary else []
        rows.append([name, *(Share(v) for v in (c.iou, c.f1, c.precision, c.recall)), *more, short(c.pixels)])
    more = [Share(boundary.mean_f1), Share(boundary.mean_iou)] if boundary else []
    mean: list[Cell] = [f"mean of {_classes(len(protocol.foreground))}", Share(scores.mean_iou), Share(scores.mean_f1)]
    notes = [f"In percent. The means are over {', '.join(protocol.foreground)}; overall accuracy counts every class."]
    if boundary:
        ground = "" if boundary.tolerance_m is None else f" ({boundary.tolerance_m:.3g} m)"
        notes.append(f"Boundaries are met within {boundary.tolerance_px:.3g} pixels{ground}.")
    return table([*columns, "pixels"], rows, totals=[[*mean, "", "", *more, ""]], notes=notes)


def confusion_table(evaluation: Evaluation) -> str:
    """The confusion matrix: shares of the row, with the pixels below."""
    counts, names = np.array(evaluation.confusion), evaluation.protocol.classes
    totals = counts.sum(axis=1)
    rows: list[list[Cell]] = []
    for name, row, total in zip(names, counts, totals, strict=True):
        shares = row / max(total, 1)
        cells = [Shade(f"{100 * s:.1f} %", short(int(n)), float(s)) for s, n in zip(shares, row, strict=True)]
        rows.append([name, *(cells if total else ["-"] * len(cells))])
    note = "Rows are labels, columns the prediction; shares of the labelled pixels of the class, with the pixels below."
    return table(["labels \\ prediction", *names], rows, notes=[note])


def calibration_parts(evaluation: Evaluation) -> str:
    """The reliability diagram, and how many pixels are in each of its bins."""
    calibration = evaluation.calibration
    if calibration is None:
        return ""
    points = [(100 * (b.confidence or 0), 100 * b.accuracy) for b in calibration.bins if b.accuracy is not None]
    total = sum(b.pixels for b in calibration.bins)
    shares = [100 * b.pixels / total for b in calibration.bins]
    words = (
        f"Where the network is 80 % sure, it should be right in 80 % of the pixels: on the dashed line. The expected "
        f"calibration error, the mean distance from it weighted by pixels, is {percent(calibration.error)}."
    )
    diagram = line_chart(
        {"accuracy": points},
        x="largest probability, %",
        y="right, %",
        title="Reliability: what is right by how sure the network is; dashed: perfect",
        limits=(0, 100),
        diagonal=True,
    )
    names = [f"{100 * b.low:.0f}" for b in calibration.bins]
    histogram = bars(
        shares,
        names,
        x="largest probability from, %",
        y="pixels, %",
        title="How sure the network is: share of the pixels",
    )
    return paragraph(words) + grid(diagram, histogram)


def size_charts(evaluation: Evaluation, gsd_m: float | None) -> str:
    """What is found of objects of every size: one chart per foreground class."""
    if evaluation.objects is None:
        return ""
    charts = []
    for name in evaluation.protocol.foreground:
        sizes = evaluation.objects[name]
        series = {
            label: [(float(at), 100 * v) for at, s in enumerate(sizes) if (v := getattr(s, measure)) is not None]
            for label, measure in (
                ("found (more than half of it)", "found"),
                ("recall of its pixels", "recall"),
                ("precision of predicted ones", "precision"),
            )
        }
        names = [each.removeprefix("> ").split(" ")[0] for each in size_names(gsd_m)]
        names[0] = "0"
        unit = size_names(gsd_m)[0].split(" ")[-1]
        title = f"{name}: objects by size ({sum(s.objects for s in sizes)} labelled objects)"
        charts.append(line_chart(series, x=f"size from, {unit}", y="%", title=title, names=names, limits=(0, 100)))
    return grid(*charts)


def protocol_facts(protocol: Protocol) -> dict[str, str]:
    """How scores were taken, in words."""
    windows = f"windows of {protocol.window} pixels, {protocol.overlap} shared with their neighbours"
    return {
        "dataset": f"{protocol.dataset}, {protocol.split} split",
        "labels": {"full": "full", "eroded": "eroded: without the pixels near boundaries"}[protocol.labels],
        "means over": ", ".join(protocol.foreground),
        "test-time augmentation": protocol.augmentation,
        "context": f"{protocol.context}; {windows}",
        **({"scenes adapted": "; ".join(protocol.adapted)} if protocol.adapted else {}),
    }


def protocols_table(evaluations: list[Evaluation]) -> str:
    """The means under every protocol."""
    if not evaluations:
        return ""
    rows: list[list[Cell]] = [
        [
            one.protocol.labels,
            _classes(len(one.protocol.foreground)),
            one.protocol.augmentation,
            *(Share(v) for v in (one.scores.overall_accuracy, one.scores.mean_f1, one.scores.mean_iou)),
        ]
        for one in evaluations
    ]
    columns = ["labels", "means over", "augmentation", "overall accuracy", "mean F1", "mean IoU"]
    return table(columns, rows, title="Under every protocol, %")


def _classes(count: int) -> str:
    return f"{count} class{'es' * (count != 1)}"
