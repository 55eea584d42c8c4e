"""From a network and a scene to a georeferenced map."""

from pathlib import Path

from manet.legend import Legend
from manet.prediction.context import AreaPredictor
from manet.prediction.predict import Advance
from manet.raster.scene import Scene
from manet.raster.writer import write_classes


def write_map(
    predictor: AreaPredictor,
    scene: Scene,
    out: Path,
    legend: Legend,
    *,
    overwrite: bool = False,
    advance: Advance = lambda windows: None,
) -> None:
    """Predict a whole scene and write its classes as a GeoTIFF. Nothing is left at `out` if anything fails."""
    place = {"height": scene.height, "width": scene.width, "crs": scene.crs, "transform": scene.transform}
    with write_classes(out, legend=legend, overwrite=overwrite, **place) as raster:
        for piece, prediction in predictor.predict(scene, scene.window, advance):
            raster.write(prediction, piece)
