"""`manet benchmark ablation`: one change at a time to a recipe."""

from pathlib import Path
from typing import Annotated

import typer

from manet.cli.console import console, print_table
from manet.cli.signals import resumable


def ablation(
    dataset: Annotated[Path, typer.Argument(help="Prepared dataset.")],
    ladder: Annotated[Path, typer.Option(help="TOML file: base, set, seeds, and [[change]] with name and set.")],
    out: Annotated[Path, typer.Option(help="Folder of the ablation; the same command again resumes it.")],
    workers: Annotated[int, typer.Option(min=0, help="Processes that read patches.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Change a recipe step by step, keep what helps on the validation split, and say what each change gained."""
    from manet.cli.progress import ConsoleProgress
    from manet.cli.training_progress import TrainingProgress
    from manet.paper.ablation.climb import open_ablation, run_ablation
    from manet.paper.ablation.ladder import read_ladder
    from manet.paper.ablation.report import write_ablation

    settings = open_ablation(dataset, out, read_ladder(ladder))
    with resumable(lambda: "with the same command"), ConsoleProgress() as progress:
        rungs = run_ablation(
            dataset,
            out,
            settings,
            workers=workers,
            device=device,
            watch=lambda: TrainingProgress(console),
            progress=progress,
        )
        for rung in rungs:
            verdict = "kept" if rung.kept else "not kept"
            console.print(f"{rung.name}: {100 * rung.gain:+.2f} points, {verdict}", highlight=False)
    table, written = write_ablation(out)
    print_table(table)
    console.print(f"written: {', '.join(str(path) for path in written)}", soft_wrap=True)
