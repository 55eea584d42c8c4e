"""`manet submit`: predictions for a benchmark that keeps the labels of its test."""

from pathlib import Path
from typing import Annotated

import typer

from manet.cli.console import console
from manet.cli.options import DeviceOption, OverlapOption, WindowOption, open_model
from manet.cli.progress import ConsoleProgress


def submit(
    checkpoint: Annotated[str, typer.Argument(help="Checkpoint, run folder or released model.")],
    data: Annotated[Path, typer.Option(help="Prepared dataset: loveda or uavid.")],
    out: Annotated[Path, typer.Option(help="Archive to write, a zip file.")],
    window: WindowOption = None,
    overlap: OverlapOption = 64,
    device: DeviceOption = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an archive that is there.")] = False,
) -> None:
    """Predict the test split of LoveDA or UAVid, as an archive that the benchmark's server takes."""
    from manet.datasets.manifest import read_manifest
    from manet.evaluation.submit import submit as run
    from manet.prediction.settings import PredictionSettings

    with ConsoleProgress() as progress:
        model = open_model(checkpoint, "torch", device, progress)
        progress.note(f"runs on {model.runtime.description}")
        settings = PredictionSettings(window=window, overlap=overlap)
        count = run(model, data, out, settings, overwrite=overwrite, progress=progress)
    console.print(f"{count} predictions for {read_manifest(data).dataset}: {out}", soft_wrap=True)
