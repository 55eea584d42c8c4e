"""`manet prepare SOURCE`: bring a source into the one form that training reads. One subcommand a source."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table
from typer.core import TyperGroup

from manet.cli.console import console
from manet.errors import DatasetError

if TYPE_CHECKING:
    from manet.datasets.manifest import Manifest
    from manet.datasets.sources.published import Publication


class _Sources(TyperGroup):
    """Subcommands that name what there is where none has the name."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        names = self.list_commands(ctx)
        if args and args[0] not in names:
            near = difflib.get_close_matches(args[0], names, n=1, cutoff=0.0)[0]
            raise DatasetError(f"no source '{args[0]}'; there is {', '.join(names)} (nearest: {near})")
        return super().resolve_command(ctx, args)


app = typer.Typer(cls=_Sources, no_args_is_help=True, help="Turn a source into scenes, label rasters and a manifest.")

Out = Annotated[Path, typer.Option(help="Folder for the prepared dataset.")]
Archives = Annotated[
    Path, typer.Option(help="Folder with the publisher's archives or what they unpack to, wherever they lie in it.")
]
Stray = Annotated[
    Literal["refuse", "ignore"], typer.Option(help="What is done with labels that the legend does not know.")
]
Incomplete = Annotated[
    bool, typer.Option("--incomplete", help="Prepare the scenes that are whole where others lack files.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a dataset that is there.")]


@app.command()
def folder(
    source: Annotated[Path, typer.Option(help="Folder of images, or one with the folders images and labels.")],
    out: Out,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Folder of label rasters named as their images, or a file of polygons. [default: SOURCE/labels]"
        ),
    ] = None,
    legend: Annotated[
        str | None,
        typer.Option(help="Classes of the labels: a TOML file (name, colour, foreground, value), buildings or isprs."),
    ] = None,
    attribute: Annotated[str | None, typer.Option(help="Attribute of the polygons that says their class.")] = None,
    area: Annotated[
        Path | None, typer.Option(help="Polygons inside which labelling is complete; outside them pixels are ignored.")
    ] = None,
    outside_polygons: Annotated[
        Literal["background", "ignore"] | None, typer.Option(help="What pixels in no polygon are; has to be said.")
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            help="file, blocks (of area), or a TOML or CSV file with areas: split, scene, row, col, height, width."
        ),
    ] = "blocks",
    seed: Annotated[int, typer.Option(help="Of the splits by file and by blocks.")] = 0,
    stray: Stray = "refuse",
    overwrite: Overwrite = False,
) -> None:
    """Your own images, with label rasters (colours, values, palette) or polygons (GeoJSON, GeoPackage, Shapefile)."""
    from manet.datasets.sources.folder import FolderSettings, prepare

    settings = FolderSettings(
        labels=labels,
        legend=legend,
        attribute=attribute,
        area=area,
        outside_polygons=outside_polygons,
        split=split,
        seed=seed,
        stray=stray,
    )
    print_manifest(prepare(source, out, overwrite, _tell, settings), out)


@app.command()
def banepa(
    source: Annotated[Path, typer.Option(help="Folder with what `manet fetch banepa` got.")],
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
    from manet.datasets.sources.isprs.vaihingen import publication

    _prepare_published(publication(height), source, out, stray, incomplete, overwrite)


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
            "publisher's heights above ground in his own bytes."
        ),
    ] = None,
    keep_7_10: Annotated[
        bool, typer.Option("--keep-7-10", help="Train on 7_10 all the same; large parts of its labels are wrong.")
    ] = False,
    stray: Stray = "refuse",
    incomplete: Incomplete = False,
    overwrite: Overwrite = False,
) -> None:
    """ISPRS Potsdam: aerial images at 5 cm, six classes, full and eroded labels, the paper's split."""
    from manet.datasets.sources.isprs.potsdam import publication

    _prepare_published(publication(bands, height, keep_7_10), source, out, stray, incomplete, overwrite)


@app.command()
def uavid(
    source: Archives,
    out: Out,
    stray: Stray = "refuse",
    incomplete: Incomplete = False,
    overwrite: Overwrite = False,
) -> None:
    """UAVid: oblique drone images, eight classes, the publisher's split; the labels of its test are hidden."""
    from manet.datasets.sources.uavid import publication

    _prepare_published(publication(), source, out, stray, incomplete, overwrite)


@app.command()
def loveda(
    source: Archives,
    out: Out,
    stray: Stray = "refuse",
    incomplete: Incomplete = False,
    overwrite: Overwrite = False,
) -> None:
    """LoveDA: country and town at 0.3 m, seven classes, the publisher's split; the labels of its test are hidden."""
    from manet.datasets.sources.loveda import publication

    _prepare_published(publication(), source, out, stray, incomplete, overwrite)


@app.command()
def town(out: Out, overwrite: Overwrite = False) -> None:
    """A generated town: no real place, six classes, exact labels."""
    _prepare("town", None, out, overwrite)


def print_manifest(manifest: "Manifest", out: Path) -> None:
    """The shares of the classes by split."""
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
    ground = f"{manifest.gsd_m:.3f} m a pixel" if manifest.gsd_m else "unknown ground sampling distance"
    console.print(f"{len(manifest.scenes)} scenes, {ground}, in {out}")
    console.print(f"next: manet check {out}", soft_wrap=True)
    console.print(f"then: manet train --data {out} --recipe paper --out runs/{manifest.dataset}")


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"


def _prepare(name: str, source: Path | None, out: Path, overwrite: bool) -> None:
    from manet.datasets.sources import preparer

    print_manifest(preparer(name)(source, out, overwrite, _tell), out)


def _prepare_published(
    publication: "Publication",
    source: Path,
    out: Path,
    stray: Literal["refuse", "ignore"],
    incomplete: bool,
    overwrite: bool,
) -> None:
    from manet.datasets.sources.published import PublicationSettings, prepare_publication

    settings = PublicationSettings(stray=stray, incomplete=incomplete)
    print_manifest(prepare_publication(publication, source, out, overwrite, _tell, settings), out)


def _tell(line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)
