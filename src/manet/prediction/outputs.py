"""What is written of a scene: rasters, the ground that each class covers, polygons."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Literal

from manet.errors import OutputError
from manet.files import refuse_inputs
from manet.legend import Legend
from manet.prediction.layers import Layers
from manet.prediction.predictor import Predicted
from manet.prediction.resume import Bytes, Journal
from manet.progress import QUIET, Progress
from manet.raster.cog import write_cog
from manet.raster.provenance import as_tags
from manet.raster.scene import Scene
from manet.raster.styles import probability_style, style_path, uncertainty_style
from manet.raster.windows import Window
from manet.raster.writer import Writer, check_raster_file, refuse_foreign_raster, write_classes, write_shares

if TYPE_CHECKING:  # what writes polygons and surfaces is imported when they are asked for: a small map takes no longer
    from manet.raster.polygons import PolygonSettings


@dataclass(frozen=True)
class Outputs:
    """Where to write what."""

    classes: Path
    """The map: a GeoTIFF of class indices, IGNORED where the scene is not valid."""
    probabilities: Path | None = None
    """A band for each class, of bytes: round(254 p); IGNORED where the scene is not valid."""
    uncertainty: Path | None = None
    """One band of bytes: round(254 H / ln classes), H the entropy of the probabilities."""
    surfaces: Path | None = None
    """The square metres of each class: a .csv, and a .json beside it."""
    polygons: Path | None = None
    """Polygons with a style: .gpkg, .geojson, .shp, .fgb or .parquet; confidence where there are probabilities."""
    polygon_settings: "PolygonSettings | None" = None
    preview: Path | None = None
    """A picture of the scene and its map side by side, .png."""
    stac: Path | None = None
    """A STAC item of the map, .json."""
    cog: bool = False
    """Cloud-optimised GeoTIFFs, with overviews."""
    overwrite: bool = False
    """Replace what is there."""
    restart: bool = False
    """Drop an unfinished prediction instead of resuming it."""

    @property
    def rasters(self) -> list[Path]:
        return [path for path in (self.classes, self.probabilities, self.uncertainty) if path is not None]

    @property
    def paths(self) -> list[Path]:
        """Every file that is written, in the order in which they are named to users."""
        surfaces = (self.surfaces, self.surfaces.with_suffix(".json")) if self.surfaces is not None else ()
        others = (self.polygons, self.preview, self.stac)
        return [*self.rasters, *surfaces, *(path for path in others if path is not None)]

    @property
    def styles(self) -> list[Path]:
        """The styles for QGIS beside the outputs; a GeoPackage holds its own."""
        styled = [*self.rasters]
        if self.polygons is not None and self.polygons.suffix.lower() != ".gpkg":
            styled.append(self.polygons)
        return [style_path(path) for path in styled]

    def check(self, inputs: Iterable[str | Path] = ()) -> None:
        """Raises OutputError where two outputs have one name, one of them is an input or another program's raster, or
        has a name that does not say what it is."""
        if len({os.path.realpath(path) for path in self.paths}) < len(self.paths):
            names = ", ".join(str(path) for path in self.paths)
            raise OutputError(f"two outputs have one name ({names}); give each another name or folder")
        if len(set(self.styles)) < len(self.styles):
            names = ", ".join(str(path) for path in self.styles)
            raise OutputError(f"two outputs would share one style for QGIS ({names}); give each a name of its own")
        refuse_inputs(self.paths, inputs)
        for path in self.rasters:
            check_raster_file(path)
        if self.surfaces is not None and self.surfaces.suffix.lower() != ".csv":
            raise OutputError(f"{self.surfaces} is not a name for a table of areas; expected one that ends in .csv")
        if self.overwrite:
            for path in self.rasters:
                refuse_foreign_raster(path)
        if self.polygons is not None:
            from manet.raster.polygon_files import check_polygon_file

            check_polygon_file(self.polygons)
        if self.preview is not None:
            from manet.pictures.preview import check_preview_file

            check_preview_file(self.preview)
        if self.stac is not None and self.stac.suffix != ".json":
            raise OutputError(f"got the STAC item {self.stac}; items are JSON: give a name that ends in .json")

    def layers(self, legend: Legend) -> Layers:
        """What has to be kept of the probabilities."""
        return Layers(len(legend), self.probabilities is not None, self.uncertainty is not None)


def keep_strips(predicted: Iterable[Predicted], layers: Layers, journal: Journal) -> None:
    """Write every strip to the journal as soon as it is predicted."""
    windows = iter(predicted)
    try:
        for first in windows:
            journal.strips.write(first.strip, _of_strip(first, windows, layers))
    except OSError as error:  # of the temporary file that strips are blended in
        raise OutputError(
            f"no temporary file can be written in {gettempdir()} ({error.strerror or error}); "
            "free some space there, or set TMPDIR to a folder that has it"
        ) from error


def _of_strip(first: Predicted, rest: Iterator[Predicted], layers: Layers) -> Iterator[tuple[Window, Bytes]]:
    """The windows of a strip and their layers; what follows the strip is not asked for."""
    found = first
    yield found.window, layers.stack(found.probabilities)
    while not found.last:
        found = next(rest)
        yield found.window, layers.stack(found.probabilities)


def write_outputs(
    scene: Scene,
    outputs: Outputs,
    legend: Legend,
    journal: Journal,
    origin: Mapping[str, str] | None = None,
    progress: Progress = QUIET,
) -> None:
    """Put the rasters together from the journal's strips, then take surfaces and polygons of the map.

    Always in one order, so that the bytes do not depend on how often the prediction was stopped. Nothing is left in
    the place of a raster if writing it fails.

    Args:
        scene: What was predicted.
        outputs: What to write, and where.
        legend: The classes.
        journal: All finished strips.
        origin: Model, version and scene, as tags of the rasters and attributes of the polygons; the day on which the
            prediction was begun is added.
        progress: Is told which polygons were left out.
    """
    journal.strips.check_cover(scene.height, scene.width)
    place = {"height": scene.height, "width": scene.width, "crs": scene.crs, "transform": scene.transform}
    layers = outputs.layers(legend)

    tags = as_tags({**origin, "date": journal.begun}) if origin else {}

    def copy(chosen: slice, raster: Writer) -> None:
        raster.tag(tags)
        for block, values in journal.strips.blocks(scene.height, scene.width, chosen):
            raster.write(values, block)

    shares = (
        (outputs.probabilities, legend.names, probability_style(legend), layers.of_probabilities),
        (outputs.uncertainty, ["uncertainty"], uncertainty_style(), layers.of_uncertainty),
    )
    for path, names, style, chosen in shares:
        if path is not None:
            with (
                _finishing(path, journal, outputs.cog, "average") as target,
                write_shares(target, band_names=names, style=style, overwrite=True, **place) as raster,
            ):
                copy(chosen, raster)
    with (
        _finishing(outputs.classes, journal, outputs.cog, "mode") as target,
        write_classes(target, legend=legend, overwrite=True, **place) as raster,
    ):
        copy(layers.of_classes, raster)
    if outputs.surfaces is not None:
        from manet.raster.surfaces import class_surfaces, write_surfaces

        write_surfaces(class_surfaces(outputs.classes, legend), outputs.surfaces, overwrite=True)
    if outputs.polygons is not None:
        from manet.raster.polygons import write_polygons

        write_polygons(
            outputs.classes,
            outputs.polygons,
            outputs.probabilities,
            outputs.polygon_settings,
            overwrite=True,
            progress=progress,
        )
    if outputs.preview is not None:
        from manet.pictures.preview import write_preview

        write_preview(scene.path, outputs.classes, legend, outputs.preview, overwrite=True)


@contextmanager
def _finishing(out: Path, journal: Journal, cog: bool, overviews: Literal["mode", "average"]) -> Iterator[Path]:
    """Where to write a GeoTIFF that is to be at `out`, as it is or cloud-optimised."""
    if not cog:
        yield out
        return
    whole = journal.folder / out.name
    yield whole
    write_cog(whole, out, overviews)
    whole.unlink()
