"""`manet benchmark speed`: how fast, side by side."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from manet.cli.console import console
from manet.machine import SYSTEM, keep_freed

if TYPE_CHECKING:
    from manet.paper.speed.on_card import CardReport
    from manet.paper.speed.report import SpeedReport


def speed(
    checkpoint: Annotated[
        Path | None, typer.Option(help="Checkpoint of a MANet; without one, an untrained network.")
    ] = None,
    encoder: Annotated[str, typer.Option(help="Encoder of the untrained network.")] = "resnet50",
    data: Annotated[
        Path | None, typer.Option(help="Prepared dataset, whose test areas are predicted; int8 needs it.")
    ] = None,
    size: Annotated[int, typer.Option(help="Height and width of the image, pixels.")] = 512,
    only: Annotated[
        Literal["attention", "network", "step", "scene", "contexts"] | None,
        typer.Option(help="The only kind of case that is measured."),
    ] = None,
    device: Annotated[
        Literal["cpu", "cuda"], typer.Option(help="cuda: time an untrained network on a card, and its roofs.")
    ] = "cpu",
    rounds: Annotated[int, typer.Option(help="Turns of every case; fewer if they take long.", min=3)] = 9,
    json: Annotated[Path | None, typer.Option(help="Results to write as data.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Picture to write, .png, .svg or .pdf.")] = None,
    page: Annotated[Path | None, typer.Option(help="Page to write, .html.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
) -> None:
    """Time kernel attention, network, training step and scene against the published formulation, in one run."""
    # allocator and waiting threads as in any other program that the published formulation may run in
    os.environ.pop("OMP_WAIT_POLICY", None)
    keep_freed(SYSTEM)
    from manet.cli.progress import ConsoleProgress
    from manet.files import refuse_existing, replacing
    from manet.paper.speed.figure import draw
    from manet.paper.speed.report import SpeedSettings, write_page
    from manet.paper.speed.run import measure_speed

    for path in (json, figure, page):
        if path is not None:
            refuse_existing(path, overwrite)
    if device == "cuda":
        _on_card(encoder, rounds, json, overwrite)
        return
    settings = SpeedSettings(
        encoder=encoder, size=size, step_size=min(size, 256), scene_size=2 * size, only=only, rounds=rounds
    )
    with ConsoleProgress() as progress:
        report = measure_speed(settings, checkpoint, data, progress)
    print_report(report)
    if json is not None:
        with replacing(json, overwrite) as partial:
            partial.write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    if figure is not None:
        with replacing(figure, overwrite) as partial:
            draw(report, partial)
    if page is not None:
        write_page(report, page, overwrite)


def print_report(report: "SpeedReport") -> None:
    """Print one table per case (times as fast as its first row: median and quartiles), then the machine."""
    from manet.paper.speed.report import about, tables

    for case in tables(report):
        table = Table(title=case.title, title_justify="left")
        for index, column in enumerate(case.columns):
            table.add_column(column, justify="left" if index < 2 else "right")
        for row in case.rows:
            table.add_row(*row)
        console.print(table)
    known = about(report)
    console.print(f"{known['network']}; {known['imagery']}", highlight=False, soft_wrap=True)
    console.print(f"{known['machine']}; ceiling: {known['ceiling']}", highlight=False, soft_wrap=True)


def _on_card(encoder: str, rounds: int, json: Path | None, overwrite: bool) -> None:
    from manet.cli.progress import ConsoleProgress
    from manet.files import replacing
    from manet.paper.speed.on_card import CardSizes, measure_on_card

    with ConsoleProgress() as progress:
        report = measure_on_card("cuda", CardSizes(encoder=encoder, rounds=rounds), progress)
    print_card_report(report)
    if json is not None:
        with replacing(json, overwrite) as partial:
            partial.write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")


def print_card_report(report: "CardReport") -> None:
    """Print one table of all cases, then the card and its roofs."""
    table = Table()
    for column in ("case", "way", "milliseconds", "of the nearer roof", "peak MB", ""):
        table.add_column(column)
    for row in report.rows:
        roof = "-" if row.of_roof is None else f"{100 * row.of_roof:.0f} %"
        peak = "-" if row.peak_mb is None else f"{row.peak_mb:.0f}"
        table.add_row(row.case, row.way, f"{1000 * row.seconds:.2f}", roof, peak, row.says)
    console.print(table)
    products = ", ".join(f"{kind} products {rate / 1e3:.1f} TFLOP/s" for kind, rate in report.gflops.items())
    console.print(f"{report.device}; copies {report.bandwidth:.0f} GB/s, {products}", highlight=False, soft_wrap=True)
