"""The report of an experiment, made from its folder only: tables, scores and curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from manet.errors import OutputError
from manet.evaluation.metrics import mean
from manet.evaluation.objects import size_names
from manet.evaluation.report import PAGE
from manet.evaluation.scoring import Evaluation
from manet.networks import NETWORKS
from manet.page.of_tables import page_of_tables
from manet.paper.comparison.curves import FILE as CURVES
from manet.paper.comparison.curves import write_curves
from manet.paper.comparison.facts import Facts
from manet.paper.comparison.results import ExperimentSettings, Run, finished_runs, read_settings
from manet.paper.comparison.tables import FILES, TITLE, methods, tables, write_tables
from manet.paper.printed import METHODS
from manet.run_folder import read_log
from manet.tables import TextTable
from manet.training.run import LOG


def write_report(out: Path) -> tuple[list[TextTable], list[Path]]:
    """Write the report of all finished runs in an experiment's folder; an earlier report is replaced.

    Returns:
        The tables, and the files that were written.

    Raises:
        OutputError: The folder holds no experiment, or no finished run.
    """
    settings = read_settings(out)
    runs = [run for name in NETWORKS for run in finished_runs(out) if run.network == name]
    if not runs:
        raise OutputError(f"{out} has no finished run yet; resume the experiment")
    evaluations: dict[str, dict[int, Evaluation]] = {}
    known: dict[str, dict[int, Facts]] = {}
    for run in runs:
        evaluations.setdefault(run.network, {})[run.seed] = run.evaluation()
        if facts := run.facts():
            known.setdefault(run.network, {})[run.seed] = facts
    protocol = evaluations[runs[0].network][runs[0].seed].protocol
    found = methods({name: list(seeds.values()) for name, seeds in evaluations.items()})
    shown = [
        *tables(protocol.dataset, found, protocol.foreground),
        *size_tables(evaluations),
        *attention_tables(known),
        *closing_tables(known, evaluations),
    ]
    shared = about(settings, protocol.dataset, runs, [facts for seeds in known.values() for facts in seeds.values()])
    lines = [*(f"- {name}: {value}" for name, value in shared.items()), "", f"![Learning curves]({CURVES})"]
    write_tables(out, lines, shown, evaluations)
    write_curves(runs, out / CURVES)
    plain = {name: value.replace("`", "") for name, value in shared.items()}
    page = page_of_tables(TITLE, shown, known=plain, pictures={"Learning curves": out / CURVES})
    page.write(out / PAGE, overwrite=True)
    return shown, [out / name for name in (*FILES, CURVES, PAGE)]


def about(settings: ExperimentSettings, dataset: str, runs: Sequence[Run], known: Sequence[Facts]) -> dict[str, str]:
    """What the runs share, in words."""
    recipe = settings.recipe
    start = "from scratch" if recipe.network.weights is None else f"from pretrained weights ({recipe.network.weights})"
    batch = recipe.patches.batch * recipe.patches.accumulate
    epochs = "1 epoch" if recipe.training.epochs == 1 else f"{recipe.training.epochs} epochs"
    steps = max(int(read_log(run.folder / LOG)[-1]["step"]) for run in runs)
    training = (
        f"{epochs}, {steps} steps of {batch} patches of {recipe.patches.size} pixels, "
        f"{recipe.optimiser.name} at {recipe.optimiser.rate:g} ({recipe.optimiser.schedule})"
    )
    machines = sorted({f"{facts.machine} ({facts.device})" for facts in known})
    hours = sum(facts.seconds for facts in known) / 3600
    windows = f"windows of {settings.window} pixels that overlap by {settings.overlap}"
    scores = "overall accuracy over all classes, means over the foreground"
    return {
        "Dataset": f"{dataset}, {settings.split} split, scored at the epoch that is best on validation",
        "Encoder": f"{recipe.network.encoder}, {start}",
        "Training": f"{training}; all settings in `experiment.json`",
        "Protocol": f"full labels, {windows}, no augmentation; {scores}",
        **({"Trained on": f"{'; '.join(machines)}; {hours:.1f} h in all"} if known else {}),
    }


def attention_tables(known: Mapping[str, Mapping[int, Facts]]) -> list[TextTable]:
    """How attention came out in networks that have gates: the gates, and the mean entropy of channel attention."""
    rows = []
    for network, seeds in known.items():
        for gate in next(iter(seeds.values())).gates:
            module = gate.removesuffix(".gate")
            entropy = [one.channel_entropy[module] for one in seeds.values() if module in one.channel_entropy]
            values = [one.gates[gate] for one in seeds.values()]
            rows.append(
                (
                    METHODS[network],
                    module,
                    ", ".join(f"{value:+.3f}" for value in values),
                    f"{fmean(entropy):.2f}" if entropy else "-",
                )
            )
    if not rows:
        return []
    notes = (
        "Gates start at 0; one value per seed. Entropy: of the rows of channel attention over ln C, mean over the "
        "seeds: 0 if every channel attends to only one other, 1 if it attends to all equally.",
    )
    return [TextTable("How attention came out", ("network", "module", "gate", "entropy"), rows, notes)]


def closing_tables(
    known: Mapping[str, Mapping[int, Facts]], evaluations: Mapping[str, Mapping[int, Evaluation]]
) -> list[TextTable]:
    """What networks lose when the gates of a kind of attention are closed after training, by seed."""
    rows = []
    for network, seeds in known.items():
        for kind in dict.fromkeys(kind for one in seeds.values() for kind in one.without):
            losses = [
                100 * ((evaluations[network][seed].scores.mean_iou or 0) - one.without[kind])
                for seed, one in seeds.items()
                if kind in one.without
            ]
            rows.append((METHODS[network], kind, f"{fmean(losses):+.2f}", ", ".join(f"{loss:+.2f}" for loss in losses)))
    if not rows:
        return []
    notes = (
        "Points of mIoU that are lost when these gates are closed after training; one value per seed that has it.",
    )
    return [TextTable("What attention gives", ("network", "attention", "mean", "seeds"), rows, notes)]


def size_tables(evaluations: Mapping[str, Mapping[int, Evaluation]]) -> list[TextTable]:
    """Recall and precision by the size of objects, for the foreground classes; means over the seeds that have them."""
    columns = ("class", "network", *size_names(None))
    shown = []
    for measure, of in (("recall", "labelled"), ("precision", "predicted")):
        rows = []
        for network, seeds in evaluations.items():
            known = [evaluation.objects for evaluation in seeds.values() if evaluation.objects is not None]
            for name in next(iter(seeds.values())).protocol.foreground if known else ():
                bins = zip(*(objects[name] for objects in known), strict=True)
                values = [mean([getattr(size, measure) for size in one]) for one in bins]
                rows.append((name, METHODS[network], *("-" if v is None else f"{100 * v:.1f}" for v in values)))
        if rows:
            order = list(dict.fromkeys(row[0] for row in rows))
            rows.sort(key=lambda row: order.index(row[0]))
            notes = (f"Over the pixels of {of} objects of these sizes, in percent.",)
            shown.append(TextTable(f"{measure.capitalize()} by the size of objects", columns, rows, notes))
    return shown
