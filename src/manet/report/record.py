"""Evaluations and runs with everything that is known of them, as folders with a page each."""

import time
from dataclasses import replace
from pathlib import Path

from manet.datasets.manifest import Split, read_manifest
from manet.evaluation.about import ABOUT, about
from manet.evaluation.evaluate import Measures, evaluate_protocols
from manet.evaluation.protocol import Grid
from manet.evaluation.report import ERRORS, PAGE, PICTURES, filling, write_evaluations
from manet.evaluation.scoring import Evaluation
from manet.files import replacing
from manet.model import Model
from manet.prediction.settings import PredictionSettings
from manet.progress import QUIET, Progress
from manet.report.write import write_report

PLAIN = Grid(("full",), ("legend",), ("none",))
"""The paper's protocol."""


def record_evaluation(
    model: Model,
    data: str | Path,
    out: str | Path,
    split: Split = "test",
    settings: PredictionSettings = PredictionSettings(),  # noqa: B008 (frozen)
    grid: Grid = PLAIN,
    *,
    measures: Measures = Measures(),  # noqa: B008 (frozen)
    errors: bool = False,
    overwrite: bool = False,
    progress: Progress = QUIET,
) -> tuple[list[Evaluation], list[str]]:
    """Score a model and write scores, pictures and a page into a folder; nothing is there unless all is.

    Args:
        model: Of `manet.load`.
        data: Folder of the prepared dataset.
        out: Folder to write.
        split: train, validation or test.
        settings: How the maps that are scored are predicted.
        grid: The protocols, the chosen one first.
        measures: What is measured as well; its folders are chosen here.
        errors: Also write error maps.
        overwrite: Replace an earlier evaluation.
        progress: Is told of every window.

    Returns:
        The evaluations, and what was written, as names in `out`.

    Raises:
        DatasetError: The dataset has other classes than the model, no such split, or no labels there.
        OptionError: The measures do not go together with the labels.
        OutputError: `out` holds an evaluation that is not to be replaced, or cannot be written.
    """
    out, manifest, begin = Path(out), read_manifest(data), time.monotonic()
    with filling(out, overwrite) as folder:
        chosen = replace(measures, errors=folder / ERRORS if errors else None, pictures=folder / PICTURES)
        evaluations = evaluate_protocols(model, data, split, settings, grid, measures=chosen, progress=progress)
        names = write_evaluations(evaluations, folder, manifest.gsd_m)
        known = about(model, manifest, time.monotonic() - begin)
        (folder / ABOUT).write_text(known.model_dump_json(indent=1), encoding="utf-8")
        write_report([folder], folder / PAGE, names=[out.name])
    return evaluations, [PAGE, *names, ABOUT]


def record_run(
    model: Model, data: str | Path, run: str | Path, split: Split = "validation", *, progress: Progress = QUIET
) -> Path:
    """Score the best epoch of a finished run on a split, and write the run's page; earlier ones are replaced.

    Args:
        model: The model of the best epoch, which `train` returns.
        data: Folder of the prepared dataset.
        run: Folder of the run.
        split: The split; the evaluation gets a folder of that name in the run's.
        progress: Is told of every window.

    Returns:
        The page.

    Raises:
        OutputError: The folder cannot be written.
    """
    run = Path(run)
    record_evaluation(model, data, run / split, split, overwrite=True, progress=progress)
    known = about(model, read_manifest(data))
    with replacing(run / ABOUT, overwrite=True) as partial:
        partial.write_text(known.model_dump_json(indent=1), encoding="utf-8")
    write_report([run], run / PAGE, names=[run.name], overwrite=True)
    return run / PAGE
