"""`manet train`: train a network on a prepared dataset."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from manet.commands.console import console


def train(
    data: Annotated[Path, typer.Option(help="Prepared dataset.")],
    recipe: Annotated[str, typer.Option(help="Recipe: the name of one that comes with manet, or a TOML file.")],
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")] = False,
    choose_on: Annotated[
        Literal["train", "validation", "test"], typer.Option(help="Split on which the best epoch is chosen.")
    ] = "validation",
    workers: Annotated[int, typer.Option(min=0, help="Processes that read patches.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Train a network; the best epoch on the validation split is kept as best.safetensors."""
    from manet.commands.training_progress import TrainingProgress
    from manet.recipe import read_recipe
    from manet.training.run import train as run

    settings = read_recipe(recipe)
    with TrainingProgress(console) as progress:
        outcome = run(
            data,
            settings,
            out,
            resume=resume,
            choose_on=choose_on,
            workers=workers,
            device=device,
            callbacks=[progress],
        )
    scores = outcome.card.scores
    console.print(
        f"best epoch {scores['epoch'] + 1}: mean IoU {scores['mean_iou'] or 0:.3f}, "
        f"overall accuracy {scores['overall_accuracy']:.3f} on the {choose_on} split"
    )
    console.print(f"next: manet evaluate {outcome.checkpoint} --data {data} --split test --out {out}/test", soft_wrap=True)
