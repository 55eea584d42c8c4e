"""From a network and a scene to georeferenced rasters."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Literal

from manet.errors import OutputError
from manet.legend import Legend
from manet.prediction.layers import Layers
from manet.prediction.predictor import Advance, AreaPredictor, ignore
from manet.prediction.resume import Journal
from manet.raster.cog import write_cog
from manet.raster.scene import Scene
from manet.raster.writer import Writer, write_classes, write_shares


@dataclass(frozen=True)
class Rasters:
    """Where to write what."""

    classes: Path
    probabilities: Path | None = None
    """A band for each class, of bytes: round(254 p); IGNORED where the scene is not valid."""
    uncertainty: Path | None = None
    """One band of bytes: round(254 H / ln classes), H the entropy of the probabilities."""
    cog: bool = False
    """Cloud-optimised GeoTIFFs, with overviews."""

    @property
    def paths(self) -> list[Path]:
        return [path for path in (self.classes, self.probabilities, self.uncertainty) if path is not None]


def write_map(
    predictor: AreaPredictor,
    scene: Scene,
    rasters: Rasters,
    legend: Legend,
    journal: Journal,
    *,
    overwrite: bool = False,
    advance: Advance = ignore,
) -> None:
    """Predict a whole scene and write its rasters. Nothing is left in their places if anything fails.

    What is finished is kept in the journal, from which the rasters are put together at the end, always in one order:
    their bytes do not depend on how often the prediction was stopped.
    """
    layers = Layers(len(legend), rasters.probabilities is not None, rasters.uncertainty is not None)
    journal.clear_way(rasters.paths, overwrite)
    journal.begin()
    finished = journal.parts.finished
    strips = predictor.strips(scene, scene.window, advance, finished=finished, sums=journal.sums)
    try:
        for index, strip in enumerate(strips, finished):
            journal.parts.write(index, layers.pieces(strip))
    except OSError as error:  # of the temporary file that strips are blended in
        raise OutputError(
            f"no temporary file can be written in {gettempdir()} ({error.strerror or error}); "
            "free some space there, or set TMPDIR to a folder that has it"
        ) from error
    journal.mark_complete()
    _assemble(scene, rasters, legend, journal, layers)


def _assemble(scene: Scene, rasters: Rasters, legend: Legend, journal: Journal, layers: Layers) -> None:
    place = {"height": scene.height, "width": scene.width, "crs": scene.crs, "transform": scene.transform}

    def copy(chosen: slice, raster: Writer) -> None:
        for block, values in journal.parts.blocks(scene.height, scene.width, chosen):
            raster.write(values, block)

    shares = (
        (rasters.probabilities, legend.names, layers.of_probabilities),
        (rasters.uncertainty, ["uncertainty"], layers.of_uncertainty),
    )
    for path, names, chosen in shares:
        if path is not None:
            with (
                _finishing(path, journal, rasters.cog, "average") as target,
                write_shares(target, band_names=names, **place) as raster,
            ):
                copy(chosen, raster)
    with (
        _finishing(rasters.classes, journal, rasters.cog, "mode") as target,
        write_classes(target, legend=legend, overwrite=True, **place) as raster,
    ):
        copy(layers.of_classes, raster)


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
