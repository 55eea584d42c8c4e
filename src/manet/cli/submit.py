"""`manet submit`: predictions for a benchmark that keeps the labels of its test."""

from pathlib import Path
from typing import Annotated

import typer

from manet.cli.console import console, progress_bar
from manet.cli.options import ContextChoice, OverlapOption, WindowOption


def submit(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint, such as runs/x/best.safetensors.")],
    data: Annotated[Path, typer.Option(help="Prepared dataset: loveda or uavid.")],
    out: Annotated[Path, typer.Option(help="Archive to write, a zip file.")],
    window: WindowOption = None,
    overlap: OverlapOption = 64,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an archive that is there.")] = False,
) -> None:
    """Predict the test split of LoveDA or UAVid, as an archive that the benchmark's server takes."""
    from manet.cli.device import choose_device
    from manet.datasets.manifest import read_manifest
    from manet.datasets.submission import form_of, submission
    from manet.evaluation.evaluate import areas_of, check_legend
    from manet.files import refuse_existing
    from manet.networks.checkpoint import load
    from manet.raster.scene import Scene

    refuse_existing(out, overwrite)
    manifest, torch_device = read_manifest(data), choose_device(device)
    form, entries = form_of(manifest.dataset), [manifest.scene(area.scene) for area in areas_of(manifest, "test")]
    network = load(checkpoint).to(torch_device)
    assert network.legend is not None
    check_legend(network.legend, manifest)
    choice = ContextChoice("window", window, overlap, halo=None, cache="0", energy="paper")
    with (
        progress_bar("predicting scenes", len(entries)) as advance,
        submission(out, form, manifest.legend, overwrite) as add,
    ):
        for entry in entries:
            with Scene(data / entry.image) as scene:
                predictor = choice.predictor(network, scene, scene.window, torch_device)
                add(entry.name, predictor.predict_whole(scene, scene.window))
            advance(1)
    console.print(f"{len(entries)} predictions for {manifest.dataset}: {out}", soft_wrap=True)
