"""`manet evaluate`: score a checkpoint on a split."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from manet.commands.console import console, progress_bar
from manet.commands.contexts import (
    CacheOption,
    ContextChoice,
    ContextOption,
    EnergyOption,
    HaloOption,
    OverlapOption,
    WindowOption,
)

if TYPE_CHECKING:
    from manet.evaluation.evaluate import Evaluation


def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint, such as runs/x/best.safetensors.")],
    data: Annotated[Path, typer.Option(help="Prepared dataset.")],
    out: Annotated[Path, typer.Option(help="Folder for scores.json and scores.csv.")],
    split: Annotated[
        Literal["train", "validation", "test"], typer.Option(help="Part of the dataset to score.")
    ] = "test",
    context: ContextOption = "window",
    window: WindowOption = None,
    overlap: OverlapOption = 64,
    halo: HaloOption = None,
    cache: CacheOption = "2GB",
    energy: EnergyOption = "paper",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace scores that are there.")] = False,
) -> None:
    """Score a checkpoint: overall accuracy, F1 and IoU per class, and the protocol they were taken under."""
    from manet.checkpoint import load
    from manet.commands.device import choose_device
    from manet.datasets.manifest import read_manifest
    from manet.evaluation.evaluate import PredictionSettings, areas_of, check_legend
    from manet.evaluation.evaluate import evaluate as run
    from manet.evaluation.report import write_scores
    from manet.raster.scene import Scene
    from manet.raster.writer import refuse_existing

    refuse_existing(out / "scores.json", overwrite)
    manifest, torch_device = read_manifest(data), choose_device(device)
    areas = areas_of(manifest, split)
    network = load(checkpoint).to(torch_device)
    assert network.legend is not None
    check_legend(network.legend, manifest)
    choice = ContextChoice(context, window, overlap, halo, cache, energy)
    with Scene(data / manifest.scene(areas[0].scene).image) as first:
        predictor = choice.predictor(network, first, areas[0].window, torch_device)
    windows = sum(predictor.windows(area.window) for area in areas)
    with progress_bar(f"evaluating on {split}", windows) as advance:
        settings = PredictionSettings(window=choice.seen, overlap=predictor.overlap, context=context, energy=energy)
        evaluation = run(lambda scene, area: predictor.predict(scene, area, advance), data, manifest, split, settings)
    write_scores(evaluation, out, overwrite)
    print_scores(evaluation)
    console.print(f"written: {out / 'scores.json'}, {out / 'scores.csv'}")


def print_scores(evaluation: "Evaluation") -> None:
    """A table of the scores, in percent, with the protocol in its caption."""
    protocol, scores = evaluation.protocol, evaluation.scores
    table = Table(
        title=f"{protocol.dataset}, {protocol.split} split, %",
        caption=f"labels {protocol.labels}, window {protocol.window}, overlap {protocol.overlap}, "
        f"augmentation {protocol.augmentation}, context {protocol.context}",
    )
    for column in ("class", "precision", "recall", "F1", "IoU"):
        table.add_column(column, justify="left" if column == "class" else "right")

    def percent(value: float | None) -> str:
        return "-" if value is None else f"{100 * value:.2f}"

    for name, c in scores.classes.items():
        table.add_row(name, percent(c.precision), percent(c.recall), percent(c.f1), percent(c.iou))
    table.add_section()
    table.add_row("mean of the foreground", "", "", percent(scores.mean_f1), percent(scores.mean_iou))
    table.add_row("overall accuracy", "", "", percent(scores.overall_accuracy), "")
    console.print(table)
