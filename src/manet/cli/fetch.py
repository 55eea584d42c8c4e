"""`manet fetch`: get an open dataset."""

from pathlib import Path
from typing import Annotated

import typer

from manet.cli.console import console
from manet.cli.progress import ConsoleProgress


def fetch(
    name: Annotated[str, typer.Argument(help="Dataset to get, such as banepa.")],
    out: Annotated[Path, typer.Option(help="Folder for datasets; each gets a folder with its name.")] = Path(
        "data/sources"
    ),
    mirror: Annotated[
        Path | None, typer.Option(help="Folder that is used instead of the network (also MANET_MIRROR).")
    ] = None,
) -> None:
    """Download an open dataset: checksums are verified, and an interrupted download is continued."""
    from manet.datasets.catalogue import remote_dataset
    from manet.datasets.download import fetch as download

    dataset = remote_dataset(name)
    with ConsoleProgress() as progress:
        download(dataset, out / name, mirror, progress)
    console.print(f"{dataset.title}, in {out / name}\n{dataset.attribution}")
    console.print(f"next: manet prepare {name} --source {out} --out data/{name}", soft_wrap=True)
