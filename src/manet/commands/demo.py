"""`manet demo`: from a real orthophoto to a trained network and a map, in minutes."""

import time
from pathlib import Path
from typing import Annotated

import typer

from manet.commands.console import console


def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything the demo makes.")] = Path("demo"),
    mirror: Annotated[
        Path | None, typer.Option(help="Folder that stands in for the network (also MANET_MIRROR).")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier demo.")] = False,
) -> None:
    """Train a small MANet before your eyes, score it on held-out ground and map the whole scene."""
    from manet.commands.evaluate import evaluate
    from manet.commands.predict import predict
    from manet.commands.train import train
    from manet.demo import clear, draw_demo, prepare_demo, recipe_name, trivial_answer
    from manet.raster.writer import refuse_existing

    begin = time.monotonic()
    refuse_existing(out, overwrite)
    clear(out)
    data, run, scores, map_file = out / "data", out / "run", out / "scores", out / "map.tif"

    console.rule("1 of 4  the data")
    manifest = prepare_demo(data, out / "sources", mirror, lambda line: console.print(line, highlight=False))
    console.print(manifest.attribution, highlight=False)
    console.rule("2 of 4  training")
    train(data, recipe_name(manifest), run)
    console.rule("3 of 4  scores on ground the network has not seen")
    evaluate(run / "best.safetensors", data, scores)
    trivial = trivial_answer(manifest)
    console.print(
        f"the trivial answer, everything {trivial.name}: its IoU {trivial.iou:.2f}, mean IoU {trivial.mean_iou:.2f}"
    )
    console.rule("4 of 4  the map of the whole scene")
    predict(run / "best.safetensors", [str(data / manifest.scenes[0].image)], map_file)
    panel = draw_demo(out, data, manifest, map_file)

    console.rule(f"done in {(time.monotonic() - begin) / 60:.1f} minutes")
    for line in (
        f"look at   {panel}   image, labels and prediction of the test area side by side",
        f"          {map_file}   the map of the whole scene, for QGIS or any GIS",
        f"          {scores / 'scores.json'}   every score and the protocol it was taken under",
        "next, a map of your own image (same bands, similar ground sampling distance):",
        f"          manet predict {run / 'best.safetensors'} YOUR_IMAGE.tif --out YOUR_MAP.tif",
    ):
        console.print(line, soft_wrap=True)
