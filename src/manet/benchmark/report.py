"""Everything that an experiment's folder tells, as files: tables, scores and curves."""

from pathlib import Path

from manet.benchmark.curves import FILE as CURVES
from manet.benchmark.curves import write_curves
from manet.benchmark.experiment import Experiment
from manet.benchmark.tables import FILES, methods, tables, write_tables
from manet.evaluation.evaluate import Evaluation
from manet.models import NETWORKS
from manet.tables import TextTable


def write_report(experiment: Experiment) -> tuple[list[TextTable], list[Path]]:
    """Of all finished runs, whoever asked for them. Files of an earlier report are replaced."""
    manifest, runs = experiment.manifest, list(experiment.finished())
    evaluations: dict[str, dict[int, Evaluation]] = {
        name: {run.seed: run.evaluation() for run in runs if run.network == name}
        for name in NETWORKS
        if any(run.network == name for run in runs)
    }
    found = methods({name: list(seeds.values()) for name, seeds in evaluations.items()}, manifest.legend)
    shown = tables(manifest.dataset, found, manifest.legend)
    write_tables(experiment.out, about(experiment), shown, evaluations)
    write_curves(runs, experiment.out / CURVES)
    return shown, [experiment.out / name for name in (*FILES, CURVES)]


def about(experiment: Experiment) -> list[str]:
    """What the runs share, as lines of Markdown."""
    settings, manifest = experiment.settings, experiment.manifest
    recipe = settings.recipe
    start = "from scratch" if recipe.network.weights is None else f"from pretrained weights ({recipe.network.weights})"
    batch = recipe.patches.batch * recipe.patches.accumulate
    epochs = "1 epoch" if recipe.training.epochs == 1 else f"{recipe.training.epochs} epochs"
    training = (
        f"{epochs}, {batch} patches of {recipe.patches.size} pixels a step, "
        f"{recipe.optimiser.name} at {recipe.optimiser.rate:g} ({recipe.optimiser.schedule})"
    )
    return [
        f"- Dataset: {manifest.dataset}, {settings.split} split, scored at the epoch that is best on validation",
        f"- Encoder: {recipe.network.encoder}, {start}",
        f"- Training: {training}; all settings in `experiment.json`",
        f"- Protocol: full labels, windows of {settings.window} pixels that overlap by {settings.overlap}, "
        "no augmentation; overall accuracy over all classes, means over the foreground",
        "",
        f"![Learning curves]({CURVES})",
    ]
