"""Evaluations side by side, if they may be compared."""

from collections.abc import Sequence

from manet.evaluation.scoring import Evaluation


def differences(first: Evaluation, other: Evaluation) -> list[str]:
    """What makes the scores of two evaluations different quantities.

    Besides the protocol, the labelled pixels and the tolerance of boundary measures are compared.

    Returns:
        The differences in words; empty if the scores can be compared.
    """
    found = first.protocol.differences(other.protocol)
    pixels = [{name: c.pixels for name, c in e.scores.classes.items()} for e in (first, other)]
    if not found and pixels[0] != pixels[1]:
        found.append("the labelled pixels of the classes")
    if first.boundary and other.boundary and first.boundary.tolerance_px != other.boundary.tolerance_px:
        tolerances = [f"{e.tolerance_px:.3g}" for e in (first.boundary, other.boundary)]
        found.append(f"boundary tolerance: {' and '.join(tolerances)} pixels")
    return found


def score_rows(evaluations: Sequence[Evaluation]) -> dict[str, list[float | None]]:
    """The value of each score in each evaluation, by the score's name; None if an evaluation lacks the score."""
    rows: dict[str, list[float | None]] = {}
    tables = [_scores(evaluation) for evaluation in evaluations]
    for name in dict.fromkeys(name for table in tables for name in table):
        rows[name] = [table.get(name) for table in tables]
    return rows


def _scores(evaluation: Evaluation) -> dict[str, float | None]:
    s, b = evaluation.scores, evaluation.boundary
    rows = {"overall accuracy": s.overall_accuracy, "mean F1": s.mean_f1, "mean IoU": s.mean_iou}
    if b:
        rows |= {"mean boundary F1": b.mean_f1, "mean boundary IoU": b.mean_iou}
    rows |= {f"F1 {name}": c.f1 for name, c in s.classes.items()}
    return rows | {f"IoU {name}": c.iou for name, c in s.classes.items()}
