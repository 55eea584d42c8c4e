"""`manet prepare SOURCE`: bring a source into the one form that training reads. One subcommand per source."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table

from manet.cli.console import console
from manet.cli.hints import CommandGroup
from manet.cli.options import CollarOption
from manet.cli.progress import ConsoleProgress
from manet.errors import DatasetError
from manet.files import choices

if TYPE_CHECKING:
    from manet.datasets.manifest import Manifest


class _Sources(CommandGroup):
    """One subcommand per source; an unknown name is answered with the names that there are."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        names = self.list_commands(ctx)
        if args and args[0] not in names:
            raise DatasetError(f"no source '{args[0]}'; expected one of {choices(args[0], names)}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_Sources,
    no_args_is_help=True,
    add_completion=False,
    help="Turn a source into scenes, label rasters and a manifest.",
)

Out = Annotated[Path, typer.Option(help="Folder for the prepared dataset.")]
Archives = Annotated[
    Path, typer.Option(help="Folder with the publisher's archives, or with what they unpack to, however deep.")
]
Stray = Annotated[
    Literal["refuse", "ignore"], typer.Option(help="What happens to labels that the legend does not know.")
]
Incomplete = Annotated[
    bool, typer.Option("--incomplete", help="Prepare the complete scenes although others lack files.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a dataset that is there.")]


@app.command()
def folder(
    source: Annotated[Path, typer.Option(help="Folder of images, or one with the folders images and labels.")],
    out: Out,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Folder of label rasters with the names of the images, or a file of polygons. [default: SOURCE/labels]"
        ),
    ] = None,
    legend: Annotated[
        str | None,
        typer.Option(help="Classes of the labels: a TOML file (name, colour, foreground, value), buildings or isprs."),
    ] = None,
    attribute: Annotated[str | None, typer.Option(help="Attribute of the polygons that says their class.")] = None,
    area: Annotated[
        Path | None,
        typer.Option(help="Polygons inside which labelling is complete; pixels outside of them are ignored."),
    ] = None,
    outside_polygons: Annotated[
        Literal["background", "ignore"] | None,
        typer.Option(help="What pixels in no polygon are; required with polygons."),
    ] = None,
    split: Annotated[
        str,
        typer.Option(help="file, blocks, or a TOML or CSV file with areas: split, scene, row, col, height, width."),
    ] = "blocks",
    seed: Annotated[int, typer.Option(help="Seed of the splits by file and by blocks.")] = 0,
    stray: Annotated[
        Literal["refuse", "ignore", "nearest"],
        typer.Option(
            help="What happens to labels that the legend does not know; nearest: rounded, as JPEG masks need."
        ),
    ] = "refuse",
    collar: CollarOption = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Your own images, with label rasters (colours, values, palette) or polygons (GeoJSON, GeoPackage, Shapefile)."""
    settings = {
        "labels": labels,
        "legend": legend,
        "attribute": attribute,
        "area": area,
        "outside_polygons": outside_polygons,
        "split": split,
        "seed": seed,
        "stray": stray,
        "collar": collar,
    }
    _prepare("folder", source, out, overwrite, **settings)


@app.command()
def banepa(
    source: Annotated[Path, typer.Option(help="Folder that `manet fetch banepa` filled.")],
    out: Out,
    overwrite: Overwrite = False,
) -> None:
    """Banepa, Nepal: a drone orthophoto at 13 cm with building outlines."""
    _prepare("banepa", source, out, overwrite)


@app.command()
def dubai(
    source: Annotated[Path, typer.Option(help="Folder that the publisher's archive unpacks to.")],
    out: Out,
    overwrite: Overwrite = False,
) -> None:
    """Dubai: satellite imagery, five classes, eight tiles."""
    _prepare("dubai", source, out, overwrite)


@app.command()
def vaihingen(
    source: Archives,
    out: Out,
    height: Annotated[
        bool,
        typer.Option("--height", help="Surface model as the fourth band, in steps of 0.2 m above the ground."),
    ] = False,
    stray: Stray = "refuse",
    incomplete: Incomplete = False,
    overwrite: Overwrite = False,
) -> None:
    """ISPRS Vaihingen: near infrared, red, green at 9 cm, six classes, full and eroded labels, the paper's split."""
    _prepare("vaihingen", source, out, overwrite, height=height, stray=stray, incomplete=incomplete)


@app.command()
def potsdam(
    source: Archives,
    out: Out,
    bands: Annotated[
        Literal["rgb", "irrg", "rgbir"],
        typer.Option(help="Red, green, blue; near infrared, red, green; or all four, near infrared last."),
    ] = "rgb",
    height: Annotated[
        Literal["dsm", "ndsm"] | None,
        typer.Option(
            help="Heights as the last band: the surface model in steps of 0.2 m above the scene's ground, or the "
            "publisher's heights above ground in the publisher's own bytes."
        ),
    ] = None,
    keep_7_10: Annotated[
        bool, typer.Option("--keep-7-10", help="Keep scene 7_10 to train on, although its labels are largely wrong.")
    ] = False,
    stray: Stray = "refuse",
    incomplete: Incomplete = False,
    overwrite: Overwrite = False,
) -> None:
    """ISPRS Potsdam: aerial images at 5 cm, six classes, full and eroded labels, the paper's split."""
    settings = {"bands": bands, "height": height, "keep_7_10": keep_7_10, "stray": stray, "incomplete": incomplete}
    _prepare("potsdam", source, out, overwrite, **settings)


@app.command()
def uavid(
    source: Archives,
    out: Out,
    stray: Stray = "refuse",
    incomplete: Incomplete = False,
    overwrite: Overwrite = False,
) -> None:
    """UAVid: oblique drone images, eight classes, the publisher's split; its test labels are secret."""
    _prepare("uavid", source, out, overwrite, stray=stray, incomplete=incomplete)


@app.command()
def loveda(
    source: Archives,
    out: Out,
    stray: Stray = "refuse",
    incomplete: Incomplete = False,
    overwrite: Overwrite = False,
) -> None:
    """LoveDA: country and town at 0.3 m, seven classes, the publisher's split; its test labels are secret."""
    _prepare("loveda", source, out, overwrite, stray=stray, incomplete=incomplete)


@app.command()
def town(out: Out, overwrite: Overwrite = False) -> None:
    """A generated town: no real place, six classes, exact labels."""
    _prepare("town", None, out, overwrite)


def _prepare(name: str, source: Path | None, out: Path, overwrite: bool, **settings: object) -> None:
    from manet.datasets.sources import prepare_source

    with ConsoleProgress() as progress:
        manifest = prepare_source(name, out, source, overwrite=overwrite, progress=progress, **settings)
    print_manifest(manifest, out)


def print_manifest(manifest: "Manifest", out: Path) -> None:
    """Print the shares of the classes by split, and what to do next."""
    from manet.datasets.manifest import SPLITS

    table = Table(title=f"{manifest.dataset}: labelled pixels, %")
    table.add_column("class")
    for split in SPLITS:
        table.add_column(split, justify="right")
    for index, label in enumerate(manifest.legend.names):
        table.add_row(label, *(_share(manifest.pixels[s][index], sum(manifest.pixels[s])) for s in SPLITS))
    table.add_section()
    table.add_row("labelled, millions", *(f"{sum(manifest.pixels[s]) / 1e6:.2f}" for s in SPLITS))
    console.print(table)
    scenes = "1 scene" if len(manifest.scenes) == 1 else f"{len(manifest.scenes)} scenes"
    ground = f"{manifest.gsd_m:.3f} m per pixel" if manifest.gsd_m else "unknown ground sampling distance"
    console.print(f"{scenes}, {ground}, in {out}")
    console.print(f"next: manet check {out}", soft_wrap=True)
    console.print(f"then: manet train --data {out} --recipe paper --out runs/{manifest.dataset}")


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f}" if total else "-"
