"""`manet convert`: the authors' released weights as a checkpoint."""

from pathlib import Path
from typing import Annotated

import typer

from manet.cli.console import console


def convert(
    weights: Annotated[Path, typer.Argument(help="State dict (.pth) of the authors' released module.")],
    out: Annotated[Path, typer.Argument(help="Checkpoint to write, .safetensors.")],
    legend: Annotated[
        Path | None,
        typer.Option(help="Legend (TOML) in the order of training; six classes are the ISPRS's if not given."),
    ] = None,
    mean: Annotated[
        list[float] | None, typer.Option(help="Mean of the bands, in the imagery's values; once, or once per band.")
    ] = None,
    std: Annotated[list[float] | None, typer.Option(help="Deviation of the bands; once, or once per band.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a checkpoint that is there.")] = False,
) -> None:
    """Turn a state dict of the authors' MANet into a checkpoint of manet. No code in the file is run."""
    from manet.datasets.legend_file import read_legend
    from manet.files import refuse_existing, refuse_inputs
    from manet.legend import ISPRS
    from manet.networks.checkpoint import write_checkpoint
    from manet.paper.authors import convert as run

    refuse_existing(out, overwrite)
    refuse_inputs([out], [weights])
    classes = read_legend(legend) if legend is not None else None
    network, card = run(weights, classes, tuple(mean or (0.0,)), tuple(std or (1.0,)))
    if legend is None and len(card.legend) == len(ISPRS):
        card = card.model_copy(update={"legend": ISPRS})
    write_checkpoint(out, network, card, overwrite)
    console.print(f"{card.recipe.network.encoder}, {len(card.bands)} bands, {len(card.legend)} classes: {out}")
    if mean is None or std is None:
        console.print(
            "images are used as they are (mean 0, deviation 1); if the weights were trained on standardised images, "
            "convert again with --mean and --std, one value for all bands or one for each",
            soft_wrap=True,
        )
