"""Scores as tables, in percent."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from manet.cli.console import console

if TYPE_CHECKING:
    from manet.evaluation.protocol import Protocol
    from manet.evaluation.scoring import Evaluation


def percent(value: float | None) -> str:
    """A share as a percentage with two digits; a dash for None."""
    return "-" if value is None else f"{100 * value:.2f}"


def new_table(title: str, names: Sequence[str], values: Sequence[str]) -> Table:
    """A table with columns of names, aligned to the left, and columns of values, aligned to the right."""
    table = Table(title=title)
    for column in names:
        table.add_column(column)
    for column in values:
        table.add_column(column, justify="right")
    return table


def print_scores(evaluation: "Evaluation") -> None:
    """Print one row per class, with the protocol below."""
    protocol, scores, boundary = evaluation.protocol, evaluation.scores, evaluation.boundary
    caption = f"labels {protocol.labels}, augmentation {protocol.augmentation}, {_windows(protocol)}"
    columns = ["precision", "recall", "F1", "IoU"]
    if boundary:
        columns += ["boundary F1", "boundary IoU"]
        metres = "" if boundary.tolerance_m is None else f" ({boundary.tolerance_m:.3g} m)"
        caption += f", boundaries within {boundary.tolerance_px:.3g} pixels{metres}"
    table = new_table(f"{protocol.dataset}, {protocol.split} split, %", ["class"], columns)
    for name, c in scores.classes.items():
        more = (boundary.classes[name].f1, boundary.classes[name].iou) if boundary else ()
        table.add_row(name, *map(percent, (c.precision, c.recall, c.f1, c.iou, *more)))
    table.add_section()
    more = map(percent, (boundary.mean_f1, boundary.mean_iou)) if boundary else ()
    which = f"mean of {len(protocol.foreground)} classes"
    table.add_row(which, "", "", percent(scores.mean_f1), percent(scores.mean_iou), *more)
    table.add_row("overall accuracy", "", "", percent(scores.overall_accuracy), "")
    console.print(table)
    console.print(caption, highlight=False, soft_wrap=True)


def print_protocols(evaluations: Sequence["Evaluation"]) -> None:
    """Print one row per protocol."""
    first = evaluations[0].protocol
    table = new_table(
        f"{first.dataset}, {first.split} split, all protocols, %",
        ["labels", "means over", "augmentation"],
        ["overall accuracy", "mean F1", "mean IoU"],
    )
    for evaluation in evaluations:
        protocol, s = evaluation.protocol, evaluation.scores
        table.add_row(
            protocol.labels,
            f"{len(protocol.foreground)} classes",
            protocol.augmentation,
            *map(percent, (s.overall_accuracy, s.mean_f1, s.mean_iou)),
        )
    console.print(table)
    caption = f"overall accuracy over {len(first.classes)} classes; {_windows(first)}"
    console.print(caption, highlight=False, soft_wrap=True)


def _windows(protocol: "Protocol") -> str:
    adapted = "".join(f", {change}" for change in protocol.adapted)
    return f"context {protocol.context}, window {protocol.window}, overlap {protocol.overlap}{adapted}"
