"""`manet fetch`: get an open dataset."""

from pathlib import Path
from typing import Annotated

import typer

from manet.cli.console import console, progress_bar


def fetch(
    name: Annotated[str, typer.Argument(help="Dataset to get, such as banepa.")],
    out: Annotated[Path, typer.Option(help="Folder for the datasets; each gets a folder of its name.")] = Path(
        "data/sources"
    ),
    mirror: Annotated[
        Path | None, typer.Option(help="Folder that stands in for the network (also MANET_MIRROR).")
    ] = None,
) -> None:
    """Download an open dataset: checksums verified, resumable."""
    from manet.datasets.catalogue import source
    from manet.datasets.download import fetch as download

    dataset = source(name)
    with progress_bar(f"fetching {name} (kB)", sum(file.size for file in dataset.remote_files) // 1000) as advance:
        download(dataset, out / name, mirror, lambda size: advance(size // 1000))
    console.print(f"{dataset.title}, in {out / name}\n{dataset.attribution}")
    console.print(f"next: manet prepare {name} --source {out} --out data/{name}", soft_wrap=True)
