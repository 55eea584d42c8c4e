"""The figures that Li et al. 2021 print: Tables I to IV and VIII as data. Tables V to VII group rows of III and IV."""

import csv
from importlib.resources import files
from typing import NamedTuple

METHODS = {
    "fcn": "FCN",
    "fcn-attention1": "FCN+Attention1",
    "fcn-attention2": "FCN+Attention2",
    "fcn-attention3": "FCN+Attention3",
    "fcn-attention4": "FCN+Attention4",
    "fcn-se": "FCN+SE",
    "fcn-cbam": "FCN+CBAM",
    "fcn-eam": "FCN+EAM",
    "fcn-fam": "FCN+FAM",
    "fcn-lam": "FCN+LAM",
    "danet": "DANet",
    "pspnet": "PSPNet",
    "deeplabv3plus": "DeepLabV3+",
    "eanet": "EaNet",
    "manet": "MANet",
    "fcn-plus": "FCN+",
    "manet-plus": "MANet+",
}
"""How the networks are written, by our names: the paper's fifteen, and the two of this project."""

OWN = ("fcn-plus", "manet-plus")
"""The networks that are not the paper's."""

TABLES_OF = {"vaihingen": (1, 3), "potsdam": (2, 4)}
"""The numbers of the ablation's and the comparison's table for each dataset."""


class PrintedScores(NamedTuple):
    """A row of Tables I to IV, in percent."""

    f1: dict[str, float]
    """F1 of the five foreground classes, by their names in the legend."""
    mean_f1: float
    overall_accuracy: float
    miou: float
    implied_miou: float
    """The mean of F1 / (2 - F1), from which the printed mIoU differs."""


class PrintedCost(NamedTuple):
    """A row of Table VIII."""

    gmac: float
    """10^9 multiply-accumulates; the paper calls them GFLOPs."""
    parameters_m: float
    """Millions."""
    memory_mb: float


def printed_scores(dataset: str) -> dict[str, PrintedScores]:
    """The printed scores of a dataset, by the networks' names; empty if the dataset is not in the paper."""
    rows = {row["method"]: row for number in TABLES_OF.get(dataset, ()) for row in _read(number)}
    return {name: _scores(rows[method]) for name, method in METHODS.items() if method in rows}


def printed_costs() -> dict[str, PrintedCost]:
    """Table VIII, by the modules' names."""
    columns = ("gflops_published", "params_m_published", "memory_mb_published")
    return {row["module"]: PrintedCost(*(float(row[column]) for column in columns)) for row in _read(8)}


def _scores(row: dict[str, str]) -> PrintedScores:
    values = {key: float(value) for key, value in row.items() if key != "method"}
    means = [values.pop(key) for key in ("mean_f1", "oa", "miou", "implied_miou")]
    return PrintedScores({key.replace("_", " "): value for key, value in values.items()}, *means)


def _read(number: int) -> list[dict[str, str]]:
    with (files(__name__) / f"table{number}.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))
