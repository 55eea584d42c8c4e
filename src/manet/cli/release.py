"""`manet release`: a trained network in half precision, scored, with its model card."""

from pathlib import Path
from typing import Annotated

import typer

from manet.cli.console import console
from manet.cli.options import DeviceOption, open_model
from manet.cli.progress import ConsoleProgress
from manet.cli.score_tables import print_scores


def release(
    checkpoint: Annotated[str, typer.Argument(help="Checkpoint or run folder.")],
    data: Annotated[Path, typer.Option(help="Prepared dataset, on whose test split it is scored.")],
    out: Annotated[
        Path, typer.Option(help="Checkpoint to write, NAME.safetensors, with NAME.md and NAME.onnx beside it.")
    ],
    window: Annotated[int, typer.Option(help="Height and width that the network sees, pixels.")] = 512,
    overlap: Annotated[int, typer.Option(help="Pixels that windows share with their neighbours.")] = 64,
    device: DeviceOption = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
) -> None:
    """Write a checkpoint and its graphs in half precision, and its model card with the scores on the test split."""
    from manet.export.release import release as run
    from manet.prediction.settings import PredictionSettings

    settings = PredictionSettings(window=window, overlap=overlap)
    with ConsoleProgress() as progress:
        model = open_model(checkpoint, "torch", device)
        evaluation = run(model, data, out, settings, overwrite=overwrite, progress=progress)
    print_scores(evaluation)
    names = ", ".join(str(out.with_suffix(suffix)) for suffix in (".safetensors", ".md", ".onnx"))
    console.print(f"{out.stat().st_size / 1e6:.1f} MB: {names}", soft_wrap=True, highlight=False)
