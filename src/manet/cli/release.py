"""`manet release`: a trained network in half precision, scored, with its model card."""

from pathlib import Path
from typing import Annotated

import typer

from manet.cli.console import console, progress_bar
from manet.cli.score_tables import print_scores


def release(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint, runs/x/best.safetensors.")],
    data: Annotated[Path, typer.Option(help="Prepared dataset, on whose test split it is scored.")],
    out: Annotated[Path, typer.Option(help="Checkpoint to write, NAME.safetensors, with NAME.md beside it.")],
    window: Annotated[int, typer.Option(help="Height and width that the network sees, pixels.")] = 512,
    overlap: Annotated[int, typer.Option(help="Pixels that windows share with their neighbours.")] = 64,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
) -> None:
    """Write a checkpoint in half precision, score that file on the test split and write its model card."""
    from manet.cli.device import choose_device
    from manet.cli.halo import with_halo
    from manet.datasets.manifest import read_manifest
    from manet.evaluation.evaluate import areas_of, check_legend, evaluate
    from manet.evaluation.model_card import model_card
    from manet.evaluation.protocol import PredictionSettings
    from manet.files import refuse_existing, replacing
    from manet.networks.checkpoint import load, save
    from manet.prediction.context import WindowContext
    from manet.prediction.predict import Tiling

    text = out.with_suffix(".md")
    for path in (out, text):
        refuse_existing(path, overwrite)
    manifest, torch_device = read_manifest(data), choose_device(device)
    network = load(checkpoint).to(torch_device)
    assert network.card is not None
    check_legend(network.card.legend, manifest)
    card = with_halo(network, data, "validation", torch_device)
    tiling = Tiling(window, overlap)
    with replacing(out, overwrite) as partial:
        save(partial, network, card, overwrite=True, half=True)
        predictor = WindowContext(load(partial).to(torch_device), len(card.legend), tiling, torch_device)
        total = sum(predictor.windows(area.window) for area in areas_of(manifest, "test"))
        with progress_bar("evaluating on test", total) as advance:
            evaluation = evaluate(
                lambda scene, area: predictor.predict(scene, area, advance),
                data,
                manifest,
                "test",
                PredictionSettings(window=window, overlap=overlap),
            )
        megabytes = partial.stat().st_size / 1e6
        with replacing(text, overwrite) as page:
            page.write_text(model_card(out.stem, card, evaluation, manifest, megabytes), encoding="utf-8")
    print_scores(evaluation)
    console.print(f"{megabytes:.1f} MB: {out}, {text}", soft_wrap=True, highlight=False)
