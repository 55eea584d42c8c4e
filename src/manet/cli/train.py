"""`manet train`: train a network on a prepared dataset."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from manet.cli.console import console
from manet.cli.signals import resumable


def train(
    data: Annotated[Path, typer.Option(help="Prepared dataset.")],
    recipe: Annotated[str, typer.Option(help="Recipe: the name of one that comes with manet, or a TOML file.")],
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="Change the recipe: optimiser.rate=1e-3; any number of times.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")] = False,
    start: Annotated[
        Path | None, typer.Option("--from", help="Checkpoint whose weights are transferred as far as they fit.")
    ] = None,
    choose_on: Annotated[
        Literal["train", "validation", "test"], typer.Option(help="Split on which the best epoch is chosen.")
    ] = "validation",
    missing_classes: Annotated[
        bool, typer.Option("--missing-classes", help="Train although classes have no pixel in the train split.")
    ] = False,
    workers: Annotated[int, typer.Option(min=0, help="Processes that read patches.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    graphs: Annotated[
        bool,
        typer.Option("--graphs/--no-graphs", help="Export the best epoch at the end, to predict without torch."),
    ] = True,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Log to OUT/tensorboard too.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Measure a few steps, say what the run would cost, write nothing.")
    ] = False,
    find_batch: Annotated[
        bool, typer.Option("--find-batch", help="Suggest patches.batch for this device; train nothing.")
    ] = False,
    find_rate: Annotated[
        bool, typer.Option("--find-rate", help="Suggest optimiser.rate, with OUT/rate.png; train nothing.")
    ] = False,
    save_every: Annotated[
        float, typer.Option(min=0, hidden=True, help="Seconds between the states to resume from, within an epoch.")
    ] = 60.0,
) -> None:
    """Train a network; the best epoch on the validation split is kept as best.safetensors."""
    from manet.recipe import read_recipe

    settings = read_recipe(recipe, changes or ())
    if dry_run or find_batch or find_rate:
        from manet.cli.training_trials import print_batch, print_cost, print_rate
        from manet.runtime.device import choose_device
        from manet.training.trial import TrainingPlan

        plan = TrainingPlan(data, settings, choose_device(device), start, choose_on, workers)
        if dry_run:
            print_cost(plan)
        if find_batch:
            print_batch(plan)
        if find_rate:
            print_rate(plan, out / "rate.png")
        return
    with resumable(lambda: _how(out)):
        from manet.cli.training_progress import TrainingProgress
        from manet.training.run import train as run

        with TrainingProgress(console) as progress:
            model = run(
                data,
                settings,
                out,
                resume=resume,
                start=start,
                choose_on=choose_on,
                missing_classes=missing_classes,
                workers=workers,
                device=device,
                save_every_s=save_every,
                graphs=graphs,
                tensorboard=tensorboard,
                callbacks=[progress],
                progress=progress,
            )
    from manet.cli.progress import ConsoleProgress
    from manet.report import record_run

    with ConsoleProgress() as closing:
        page = record_run(model, data, out, choose_on, progress=closing)
    scores = model.card.scores
    console.print(
        f"best epoch {scores['epoch'] + 1}: mean IoU {scores['mean_iou'] or 0:.3f}, "
        f"overall accuracy {scores['overall_accuracy']:.3f} on the {choose_on} split"
    )
    console.print(f"report: {page}", soft_wrap=True)
    console.print(f"next: manet evaluate {out} --data {data} --split test", soft_wrap=True)


def _how(out: Path) -> str:
    resumes = (out / "recipe.json").exists()
    return "with the same command and --resume" if resumes else "anew: nothing was trained yet"
