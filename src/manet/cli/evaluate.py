"""`manet evaluate`: score a checkpoint on a split."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from manet.cli.console import console
from manet.cli.options import (
    AugmentationOption,
    BackendOption,
    ContextOption,
    DeviceOption,
    HaloOption,
    MemoryOption,
    OverlapOption,
    WindowOption,
    open_model,
    parse_halo,
    parse_size,
)
from manet.cli.progress import ConsoleProgress
from manet.cli.score_tables import print_protocols, print_scores


def evaluate(
    checkpoint: Annotated[
        str,
        typer.Argument(help="Checkpoint (runs/x/best.safetensors), run folder, exported network or released model."),
    ],
    data: Annotated[Path, typer.Option(help="Prepared dataset.")],
    split: Annotated[
        Literal["train", "validation", "test"], typer.Option(help="Part of the dataset to score.")
    ] = "test",
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for scores.json, scores.csv and pictures. By default a folder of the split's name in the "
            "run's folder; for other models MODEL_DATASET_SPLIT here."
        ),
    ] = None,
    labels: Annotated[
        Literal["full", "eroded"],
        typer.Option(help="Labels as they are, or with the pixels near boundaries between classes left out."),
    ] = "full",
    foreground: Annotated[
        str, typer.Option(help="Classes of the means: the legend's foreground, all, or how many (ISPRS: 5 or 6).")
    ] = "legend",
    augmentation: AugmentationOption = "none",
    all_protocols: Annotated[
        bool,
        typer.Option("--all-protocols", help="Also every protocol: all labels there are, foregrounds, augmentations."),
    ] = False,
    boundary: Annotated[
        bool, typer.Option("--boundary", help="Also boundary IoU and boundary F1, within 3 pixels.")
    ] = False,
    boundary_m: Annotated[float | None, typer.Option(help="The same within so many metres.")] = None,
    by_size: Annotated[
        bool, typer.Option("--by-size", help="Also what is found of objects of every size, with a picture.")
    ] = False,
    errors: Annotated[
        bool, typer.Option("--errors", help="Also error maps: where the prediction is right and where it is wrong.")
    ] = False,
    context: ContextOption = "window",
    window: WindowOption = None,
    overlap: OverlapOption = 64,
    halo: HaloOption = None,
    memory: MemoryOption = "2.5GB",
    backend: BackendOption = "auto",
    device: DeviceOption = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace scores that are there.")] = False,
) -> None:
    """Score a checkpoint: overall accuracy, F1 and IoU per class, and the protocol they were taken under.

    The default is the paper's protocol: full labels, overall accuracy over all classes, means over the legend's
    foreground, no test-time augmentation.
    """
    from manet.datasets.manifest import read_manifest
    from manet.evaluation.evaluate import Measures
    from manet.evaluation.protocol import Grid, parse_foreground
    from manet.evaluation.report import refuse_earlier
    from manet.evaluation.scoring import label_versions
    from manet.prediction.settings import PredictionSettings
    from manet.report import record_evaluation

    out = out or _place(checkpoint, data, split)
    refuse_earlier(out, overwrite)
    manifest = read_manifest(data)
    settings = PredictionSettings(context, window, overlap, parse_halo(halo), parse_size(memory), augmentation)
    grid = Grid((labels,), (parse_foreground(foreground, manifest.legend),), (augmentation,))
    if all_protocols:
        grid = grid.widened(label_versions(manifest, split), manifest.legend, context)
    with ConsoleProgress() as progress:
        model = open_model(checkpoint, backend, device, progress)
        progress.note(f"runs on {model.runtime.description}")
        measures = Measures(boundary, boundary_m, by_size)
        evaluations, names = record_evaluation(
            model,
            data,
            out,
            split,
            settings,
            grid,
            measures=measures,
            errors=errors,
            overwrite=overwrite,
            progress=progress,
        )
    print_scores(evaluations[0])
    if all_protocols:
        print_protocols(evaluations)
    console.print(f"written to {out}: {', '.join(names)}", soft_wrap=True)


def _place(model: str, data: Path, split: str) -> Path:
    """Where scores go if nothing else is said."""
    from manet.find_model import find_model
    from manet.run_folder import RECIPE

    path = find_model(model)
    if (path.parent / RECIPE).is_file():
        return path.parent / split
    return Path(f"{path.stem}_{data.resolve().name}_{split}")
