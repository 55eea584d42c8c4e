"""`manet demo`: from a real orthophoto to a map at once, and to a network of your own, in minutes."""

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manet.cli.console import console
from manet.cli.progress import ConsoleProgress

if TYPE_CHECKING:
    from manet.datasets.manifest import Manifest
    from manet.progress import Progress


def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything that the demo writes.")] = Path("demo"),
    mirror: Annotated[Path | None, typer.Option(help="Folder that replaces the network (also MANET_MIRROR).")] = None,
    only_map: Annotated[
        bool, typer.Option("--only-map", help="End after the first map, which needs no torch.")
    ] = False,
    go_on: Annotated[bool, typer.Option("--continue", help="Go on from the first map of --only-map.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier demo.")] = False,
) -> None:
    """Map a scene with a released model; then train a small MANet before your eyes, score it and map with it too."""
    from manet.datasets.manifest import read_manifest
    from manet.extras import is_installed

    begin, data = time.monotonic(), out / "data"
    manifest = read_manifest(data) if go_on else _first_map(out, mirror, overwrite)
    if not only_map and not is_installed("torch"):
        console.print("training a network of your own needs torch: pip install 'manet[train]', then", highlight=False)
        console.print(f"          manet demo --out {out} --continue", highlight=False, soft_wrap=True)
    elif not only_map:
        _own_network(out, manifest)
    console.rule(f"done in {(time.monotonic() - begin) / 60:.1f} minutes")


def _first_map(out: Path, mirror: Path | None, overwrite: bool) -> "Manifest":
    """The data, and the map of a scene by a released model."""
    from manet.cli.predict import predict
    from manet.files import refuse_existing

    refuse_existing(out, overwrite)
    _clear(out)
    data, first_map = out / "data", out / "released.tif"
    console.rule("1 of 5  the data")
    with ConsoleProgress() as progress:
        manifest = _prepare(data, out / "sources", mirror, progress)
    console.print(manifest.attribution, highlight=False)
    console.rule(f"2 of 5  a map at once, by the released model '{manifest.dataset}'")
    predict([str(data / manifest.scenes[0].image)], first_map, manifest.dataset)
    console.print(f"look at   {_draw(data, manifest, first_map)}", soft_wrap=True)
    return manifest


def _own_network(out: Path, manifest: "Manifest") -> None:
    """Training, scores and a map."""
    from manet.cli.evaluate import evaluate
    from manet.cli.predict import predict
    from manet.cli.train import train

    data, run, scores, map_file = (out / name for name in ("data", "run", "scores", "map.tif"))
    console.rule("3 of 5  training a network of your own")
    train(data, f"{manifest.dataset}/manet-regnetx_002", run)
    console.rule("4 of 5  scores on imagery that the network has not seen")
    evaluate(str(run), data, out=scores)
    name, iou, mean_iou = trivial_answer(manifest)
    console.print(f"the trivial answer, {name} everywhere: IoU {iou:.2f}, mean IoU {mean_iou:.2f}")
    console.rule("5 of 5  its map of the whole scene")
    predict([str(run / "best.safetensors"), str(data / manifest.scenes[0].image)], map_file)
    panel = _draw(data, manifest, map_file)
    for line in (
        f"look at   {panel}   image, labels and prediction of the test area side by side",
        f"          {map_file}   the map of the whole scene, for QGIS or any GIS",
        f"          {scores / 'scores.json'}   every score and the protocol it was taken under",
        "next, a map of your own image (same bands, similar ground sampling distance):",
        f"          manet predict {run / 'best.safetensors'} YOUR_IMAGE.tif --out YOUR_MAP.tif",
    ):
        console.print(line, soft_wrap=True)


def _clear(out: Path) -> None:
    """Remove what an earlier demo left in its folder, and nothing else; what it downloaded stays."""
    for name in ("data", "run", "scores"):
        shutil.rmtree(out / name, ignore_errors=True)
    for path in (*out.glob("map.*"), *out.glob("released.*")):
        path.unlink()


def _prepare(data: Path, sources: Path, mirror: Path | None, progress: "Progress") -> "Manifest":
    """Prepare Banepa from a mirror or the network; without either, the generated town."""
    from manet.datasets.catalogue import remote_dataset
    from manet.datasets.download import fetch
    from manet.datasets.sources import prepare_source
    from manet.errors import DownloadError

    try:
        progress.note("fetching Banepa, Nepal: 7 MB of real imagery")
        fetch(remote_dataset("banepa"), sources / "banepa", mirror, progress)
    except DownloadError as error:
        progress.note(
            f"{error}\nneither a network nor a mirror: continuing with a generated town, which is not a real place"
        )
        return prepare_source("town", data, progress=progress)
    return prepare_source("banepa", data, sources, progress=progress)


def trivial_answer(manifest: "Manifest") -> tuple[str, float, float]:
    """The best score without looking at the image: the most frequent foreground class of the test split everywhere.

    Returns:
        The class, its IoU, which is its share of the pixels, and the mean IoU of the foreground.
    """
    pixels, foreground = manifest.pixels["test"], manifest.legend.foreground
    best = max(foreground, key=lambda index: pixels[index])
    iou = pixels[best] / sum(pixels)
    return manifest.legend.names[best], iou, iou / len(foreground)


def _draw(data: Path, manifest: "Manifest", map_file: Path) -> Path:
    """Draw the test area: image, labels, map and errors. The picture lies next to the map."""
    from manet.pictures.errors import write_comparison
    from manet.raster.scene import Scene

    panel, entry, window = map_file.with_suffix(".png"), manifest.scenes[0], manifest.splits["test"][0].window
    with Scene(data / entry.image) as scene, Scene(data / entry.labels) as labels, Scene(map_file) as classes:
        write_comparison(
            panel,
            scene.read(window)[0],
            labels.read(window)[0][0].astype("uint8"),
            classes.read(window)[0][0].astype("uint8"),
            manifest.legend,
            title=f"{manifest.dataset}: test area",
            pixel_m=scene.pixel_m(),
        )
    return panel
