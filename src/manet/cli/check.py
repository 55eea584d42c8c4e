"""`manet check`: inspect a prepared dataset before training on it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from manet.cli.console import console
from manet.cli.progress import ConsoleProgress

if TYPE_CHECKING:
    from manet.datasets.inspect import Inspection
    from manet.datasets.manifest import Manifest

SHEET = "check.png"


def check(
    data: Annotated[Path, typer.Argument(help="Prepared dataset.")],
    out: Annotated[
        Path | None, typer.Option(help=f"Contact sheet, a PNG. [default: {SHEET} in the dataset, replaced if there]")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """Report classes, bands, nodata, misaligned labels and ground that splits share, and draw a contact sheet."""
    from manet.datasets.inspect import inspect
    from manet.datasets.manifest import read_manifest
    from manet.evaluation.contact_sheet import write_contact_sheet
    from manet.files import refuse_existing

    sheet, overwrite = (data / SHEET, True) if out is None else (out, overwrite)
    manifest = read_manifest(data)
    refuse_existing(sheet, overwrite)
    with ConsoleProgress() as progress:
        inspection = inspect(data, manifest, progress)
    write_contact_sheet(sheet, data, manifest, overwrite)
    print_inspection(inspection, manifest)
    console.print(f"look at {sheet}", markup=False, soft_wrap=True)


def print_inspection(inspection: "Inspection", manifest: "Manifest") -> None:
    """Print tables of classes and bands, sizes, and what should be looked at."""
    console.print(_class_table(inspection, manifest))
    console.print(_band_table(inspection))
    (height, width), (largest_height, largest_width) = inspection.sizes
    alike = (height, width) == (largest_height, largest_width)
    sizes = f"{height} x {width}" + ("" if alike else f" to {largest_height} x {largest_width}")
    ground = "unknown ground sampling distance (no CRS)"
    if inspection.gsd_m:
        low, high = (f"{gsd_m:.3g}" for gsd_m in inspection.gsd_m)
        ground = f"{low} m per pixel" if low == high else f"{low} to {high} m per pixel"
    scenes = "1 scene" if len(manifest.scenes) == 1 else f"{len(manifest.scenes)} scenes"
    console.print(f"{scenes} of {sizes} pixels, {ground}", highlight=False)
    for fit in inspection.alignments:
        console.print(
            f"labels of '{fit.scene}': best fit to the image's edges at {fit.rows:+d} rows, {fit.cols:+d} columns "
            f"(contrast at their edges {fit.fit:.2f}, unshifted {fit.unshifted:.2f} standard deviations above mean)",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    for finding in inspection.findings:
        console.print(f"[bold yellow]look:[/] {escape(finding)}", markup=True, highlight=False, soft_wrap=True)
    if not inspection.findings:
        console.print("nothing to look at: no empty class, constant band, shifted labels or shared ground")


def _class_table(inspection: "Inspection", manifest: "Manifest") -> Table:
    table = Table(title=f"{manifest.dataset}: pixels by split, %")
    table.add_column("")
    for split, contents in inspection.splits.items():
        table.add_column(f"{split}\n{contents.areas} areas\n{contents.pixels / 1e6:.1f} Mpx", justify="right")

    def row(name: str, counts: list[tuple[int, int]]) -> None:
        table.add_row(name, *(f"{100 * count / total:.2f}" if total else "-" for count, total in counts))

    for index, name in enumerate(manifest.legend.names):
        row(name, [(int(c.classes[index]), int(c.classes.sum())) for c in inspection.splits.values()])
    table.add_section()
    row("of all: no label", [(c.ignored, c.pixels) for c in inspection.splits.values()])
    row("of all: nodata", [(c.pixels - c.valid, c.pixels) for c in inspection.splits.values()])
    return table


def _band_table(inspection: "Inspection") -> Table:
    table = Table(title="bands")
    for column in ("band", "smallest", "at it, %", "largest", "at it, %"):
        table.add_column(column, justify="left" if column == "band" else "right")
    for band in inspection.bands:
        shares = [f"{100 * count / max(band.pixels, 1):.2f}" for count in (band.at_low, band.at_high)]
        table.add_row(band.name, f"{band.low:g}", shares[0], f"{band.high:g}", shares[1])
    return table
