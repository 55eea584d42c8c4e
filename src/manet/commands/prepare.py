"""`manet prepare`: bring a source into the one form that training reads."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from manet.commands.console import console


def prepare(
    name: Annotated[str, typer.Argument(help="Kind of source: banepa, or town (generated).")],
    out: Annotated[Path, typer.Option(help="Folder for the prepared dataset.")],
    source: Annotated[Path | None, typer.Option(help="Folder with the source's files.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a dataset that is there.")] = False,
) -> None:
    """Turn a source into scenes, label rasters and a manifest."""
    from manet.datasets.manifest import SPLITS
    from manet.datasets.sources import preparer

    manifest = preparer(name)(source, out, overwrite, lambda line: console.print(line, highlight=False))
    table = Table(title=f"{manifest.dataset}: labelled pixels, %")
    table.add_column("class")
    for split in SPLITS:
        table.add_column(split, justify="right")
    for index, label in enumerate(manifest.legend.names):
        shares = [manifest.pixels[s][index] / max(sum(manifest.pixels[s]), 1) for s in SPLITS]
        table.add_row(label, *(f"{100 * share:.1f}" for share in shares))
    console.print(table)
    ground = f"{manifest.gsd_m:.3f} m a pixel" if manifest.gsd_m else "unknown ground sampling distance"
    console.print(f"{len(manifest.scenes)} scenes, {ground}, in {out}")
    console.print(f"next: manet train --data {out} --recipe paper --out runs/{manifest.dataset}")
