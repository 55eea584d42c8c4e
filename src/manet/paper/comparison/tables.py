"""Tables I to VII: what was measured, what the paper prints, and the difference."""

import csv
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from manet.evaluation.scoring import Evaluation
from manet.files import replacing
from manet.networks import NETWORKS
from manet.paper.printed import METHODS, OWN, TABLES_OF, PrintedScores, printed_scores
from manet.tables import TextTable

RANKED = 3
"""Seeds that a network needs to be ranked; with fewer it is only listed."""

ABLATION = ("fcn", "fcn-attention1", "fcn-attention2", "fcn-attention3", "fcn-attention4", "manet")
COMPARISON = tuple(name for name in NETWORKS if not name.startswith("fcn-attention"))
GROUPS = {
    "V": ("Scaling attention", ("fcn", "fcn-se", "fcn-cbam", "manet")),
    "VI": ("Simplified dot-product attention", ("fcn", "fcn-eam", "fcn-fam", "fcn-lam", "manet")),
    "VII": ("Other networks", ("fcn", "danet", "pspnet", "deeplabv3plus", "eanet", "manet")),
}
MEANS = ("mean F1", "OA", "mIoU")
NUMERALS = ("I", "II", "III", "IV")
FILES = ("tables.md", "scores.csv")
TITLE = "Networks under one recipe"


@dataclass(frozen=True)
class SeedMean:
    """One score over the seeds, in percent."""

    mean: float
    spread: float | None
    """Sample standard deviation; None for a single seed."""

    def __str__(self) -> str:
        return f"{self.mean:.2f}" if self.spread is None else f"{self.mean:.2f} ± {self.spread:.2f}"


@dataclass(frozen=True)
class Method:
    """A network's scores over its seeds."""

    seeds: int
    scores: dict[str, SeedMean | None]
    """F1 of each foreground class, then `MEANS`; None if a class is in neither labels nor prediction."""


def methods(evaluations: Mapping[str, Sequence[Evaluation]]) -> dict[str, Method]:
    """The scores of each network, in the order of `NETWORKS`."""
    return {name: _method(evaluations[name]) for name in NETWORKS if evaluations.get(name)}


def _method(evaluations: Sequence[Evaluation]) -> Method:
    scores = [evaluation.scores for evaluation in evaluations]
    values: dict[str, list[float | None]] = {
        name: [one.classes[name].f1 for one in scores] for name in evaluations[0].protocol.foreground
    }
    values["mean F1"] = [one.mean_f1 for one in scores]
    values["OA"] = [one.overall_accuracy for one in scores]
    values["mIoU"] = [one.mean_iou for one in scores]
    return Method(len(scores), {name: _measured(over) for name, over in values.items()})


def _measured(values: Iterable[float | None]) -> SeedMean | None:
    percent = [100 * value for value in values if value is not None]
    if not percent:
        return None
    return SeedMean(statistics.fmean(percent), statistics.stdev(percent) if len(percent) > 1 else None)


def tables(dataset: str, found: Mapping[str, Method], classes: Sequence[str]) -> list[TextTable]:
    """The ablation and the comparison with every class, then the three groups with only the means.

    For a dataset of the paper, the tables have the paper's numbers, and its figures next to ours.

    Args:
        dataset: The dataset's name.
        found: The scores of each network.
        classes: The foreground classes.
    """
    printed = {name: row for name, row in printed_scores(dataset).items() if set(row.f1) == set(classes)}
    numbers = [f"Table {NUMERALS[number - 1]}. " for number in TABLES_OF[dataset]] if printed else ["", ""]
    whole = [
        _table(f"{numbers[0]}Ablation on {dataset}", ABLATION, found, printed, classes),
        _table(f"{numbers[1]}All methods on {dataset}", COMPARISON, found, printed, classes),
    ]
    groups = [
        _table(f"Table {number}. {title} on {dataset}" if printed else title, names, found, printed, ())
        for number, (title, names) in GROUPS.items()
    ]
    return [*whole, *groups]


def _table(
    title: str,
    names: Sequence[str],
    found: Mapping[str, Method],
    printed: Mapping[str, PrintedScores],
    classes: Sequence[str],
) -> TextTable:
    columns = (*classes, *MEANS)
    ranks = _ranks({name: found[name] for name in names if name in found})
    rows: list[tuple[str, ...]] = []
    missing = []
    for name in names:
        if name not in found:
            if name not in OWN:
                missing.append(METHODS[name])
            continue
        method = found[name]
        seeds = f"{method.seeds} seed{'s' if method.seeds > 1 else ''}"
        ours = [method.scores[column] for column in columns]
        rows.append((METHODS[name], f"ours, {seeds}", ranks.get(name, "-"), *(_text(one) for one in ours)))
        if name in printed:
            values = _printed_values(printed[name], classes)
            implied = f" ({printed[name].implied_miou:.2f})"
            rows.append(("", "printed", "-", *(f"{value:.2f}" for value in values[:-1]), f"{values[-1]:.2f}{implied}"))
            differences = [one.mean - value if one else None for one, value in zip(ours, values, strict=True)]
            rows.append(("", "difference", "-", *("-" if d is None else f"{d:+.2f}" for d in differences)))
    notes = ["In percent; F1 by class. ± is the sample standard deviation over the seeds."]
    notes.append(f"Ranked by mIoU if a network has {RANKED} seeds or more; the others are listed.")
    if printed:
        notes.append("Printed mIoU, and in brackets the mean of F1 / (2 - F1) that the printed F1 imply.")
    if missing:
        notes.append(f"Not run: {', '.join(missing)}.")
    return TextTable(title, ("method", "what", "rank", *columns), rows, tuple(notes))


def _ranks(found: Mapping[str, Method]) -> dict[str, str]:
    enough = {name: method.scores["mIoU"] for name, method in found.items() if method.seeds >= RANKED}
    means = {name: miou.mean for name, miou in enough.items() if miou}
    return {name: str(rank) for rank, name in enumerate(sorted(means, key=lambda name: -means[name]), 1)}


def _printed_values(scores: PrintedScores, classes: Sequence[str]) -> list[float]:
    return [*(scores.f1[name] for name in classes), scores.mean_f1, scores.overall_accuracy, scores.miou]


def _text(measured: SeedMean | None) -> str:
    return "-" if measured is None else str(measured)


def write_tables(
    out: Path, about: Sequence[str], shown: Sequence[TextTable], evaluations: Mapping[str, Mapping[int, Evaluation]]
) -> None:
    """Write `tables.md`, and `scores.csv` with one row per network and seed, 0 to 1.

    Args:
        out: Folder; earlier files are replaced.
        about: Lines about the experiment, which `tables.md` begins with.
        shown: The tables.
        evaluations: By network and seed.
    """
    with replacing(out / FILES[0], overwrite=True) as partial:
        lines = [f"# {TITLE}", "", *about, ""]
        lines += [line for table in shown for line in table.markdown()]
        partial.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    with (
        replacing(out / FILES[1], overwrite=True) as partial,
        partial.open("w", newline="", encoding="utf-8") as stream,
    ):
        rows = csv.writer(stream)
        classes = list(next(iter(next(iter(evaluations.values())).values())).scores.classes)
        f1, iou = ([f"{score} {name}" for name in classes] for score in ("F1", "IoU"))
        rows.writerow(["network", "seed", "mean F1", "OA", "mIoU", *f1, *iou])
        for network, by_seed in evaluations.items():
            for seed, evaluation in sorted(by_seed.items()):
                s = evaluation.scores
                of_classes = [*(one.f1 for one in s.classes.values()), *(one.iou for one in s.classes.values())]
                rows.writerow([network, seed, s.mean_f1, s.overall_accuracy, s.mean_iou, *of_classes])
