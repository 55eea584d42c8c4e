"""`manet benchmark paper`: the paper's comparison on any prepared dataset."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from manet.cli.console import console, print_table
from manet.cli.progress import ConsoleProgress
from manet.cli.signals import resumable
from manet.errors import OptionError

if TYPE_CHECKING:
    from manet.paper.comparison.experiment import Experiment
    from manet.paper.comparison.results import Run


def paper(
    dataset: Annotated[Path, typer.Argument(help="Prepared dataset.")],
    out: Annotated[Path, typer.Option(help="Folder of the experiment; the same command again resumes it.")],
    recipe: Annotated[str, typer.Option(help="Recipe of all networks; its network is ignored.")] = "paper",
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change the recipe, such as training.epochs=10; can be given several times."),
    ] = None,
    networks: Annotated[str, typer.Option(help="Names separated by commas, or all.")] = "all",
    seeds: Annotated[str, typer.Option(help="Seeds separated by commas.")] = "0",
    pretrained: Annotated[
        bool, typer.Option("--pretrained", help="Start from timm's weights of the encoder, which are downloaded.")
    ] = False,
    split: Annotated[Literal["validation", "test"], typer.Option(help="Split of the dataset that is scored.")] = "test",
    window: Annotated[int, typer.Option(help="Height and width that a network sees in evaluation, pixels.")] = 512,
    overlap: Annotated[int, typer.Option(help="Pixels that neighbouring windows share.")] = 64,
    workers: Annotated[int, typer.Option(min=0, help="Processes that read patches.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Train and score networks under one recipe and the same seeds: Tables I to VII, measured and printed."""
    from manet.networks import NETWORKS
    from manet.paper.comparison.experiment import check_networks, open_experiment
    from manet.paper.comparison.report import write_report
    from manet.paper.comparison.results import run_of
    from manet.recipe import read_recipe

    start = ['network.weights="hub"'] if pretrained else []
    settings = read_recipe(recipe, [*start, *(changes or ())])
    names = list(NETWORKS) if networks == "all" else [name.strip() for name in networks.split(",")]
    numbers = _seeds(seeds)
    experiment = open_experiment(dataset, out, settings, split, window, overlap)
    todo = [run for seed in numbers for name in names if not (run := run_of(out, name, seed)).finished]
    check_networks(experiment, sorted({run.network for run in todo}))
    with resumable(lambda: "with the same command"):
        _run(experiment, todo, len(names) * len(numbers), workers, device)
    shown, written = write_report(out)
    for table in shown[:2]:
        print_table(table)
    console.print(f"written: {', '.join(str(path) for path in written)}", soft_wrap=True)


def _seeds(text: str) -> list[int]:
    try:
        return [int(seed) for seed in text.split(",")]
    except ValueError:
        raise OptionError(f"got seeds '{text}'; expected whole numbers separated by commas, such as 0,1,2") from None


def _run(experiment: "Experiment", todo: "list[Run]", total: int, workers: int, device: str) -> None:
    from manet.cli.training_progress import TrainingProgress
    from manet.paper.comparison.experiment import evaluate_run, train_run

    begin = time.monotonic()
    for index, run in enumerate(todo):
        spent = (time.monotonic() - begin) / 60
        left = f", about {spent / index * (len(todo) - index):.0f} min left" if index else ""
        done = total - len(todo) + index
        console.print(
            f"[bold]{run.network}[/], seed {run.seed}: run {done + 1} of {total}{left}", markup=True, highlight=False
        )
        with ConsoleProgress() as progress:
            with TrainingProgress(console) as watching:
                train_run(experiment, run, workers=workers, device=device, callbacks=[watching], progress=progress)
            scores = evaluate_run(experiment, run, device, progress).scores
        console.print(
            f"mean IoU {100 * (scores.mean_iou or 0):.2f} %, overall accuracy {100 * scores.overall_accuracy:.2f} %"
        )
