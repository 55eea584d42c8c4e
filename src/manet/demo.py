"""What the demo is made of: Banepa where it can be had, the generated town elsewhere."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from manet.datasets.catalogue import source
from manet.datasets.download import fetch
from manet.datasets.manifest import Manifest
from manet.datasets.prepare import Progress
from manet.datasets.sources import preparer
from manet.errors import DownloadError
from manet.evaluation.panel import write_panel


@dataclass(frozen=True)
class TrivialAnswer:
    """Saying the same class everywhere: the commonest foreground class of the test split."""

    name: str
    iou: float
    mean_iou: float


def clear(out: Path) -> None:
    """Remove what an earlier demo left in its folder, and nothing else; what it fetched stays."""
    for name in ("data", "run", "scores"):
        shutil.rmtree(out / name, ignore_errors=True)
    for path in (*out.glob("map.*"), *out.glob("released.*")):
        path.unlink()


def recipe_name(manifest: Manifest) -> str:
    """The recipe of the demo's small network."""
    return f"{manifest.dataset}/manet-regnetx_002"


def prepare_demo(data: Path, sources: Path, mirror: Path | None, progress: Progress) -> Manifest:
    """Banepa from mirror or network; without either, the generated town."""
    try:
        progress("fetching Banepa, Nepal: 7 MB of real imagery")
        fetch(source("banepa"), sources / "banepa", mirror)
    except DownloadError as error:
        progress(f"{error}\nneither network nor mirror: going on with a generated town, which is no real place")
        return preparer("town")(None, data, False, progress)
    return preparer("banepa")(sources, data, False, progress)


def trivial_answer(manifest: Manifest) -> TrivialAnswer:
    """The best that can be had without looking at the image. Its IoU is the share of its class."""
    pixels, foreground = manifest.pixels["test"], manifest.legend.foreground
    best = max(foreground, key=lambda index: pixels[index])
    iou = pixels[best] / sum(pixels)
    return TrivialAnswer(manifest.legend.names[best], iou, iou / len(foreground))


def draw_demo(data: Path, manifest: Manifest, map_file: Path) -> Path:
    """The picture of the test area, beside the map."""
    panel, scene = map_file.with_suffix(".png"), manifest.scenes[0]
    rasters: dict[str, str | Path] = {"labels": data / scene.labels, "prediction": map_file}
    window = manifest.splits["test"][0].window
    write_panel(panel, data / scene.image, rasters, manifest.legend, window, title=f"{manifest.dataset}: test area")
    return panel
