"""`manet demo`: from a real orthophoto to a map at once, and to a network of one's own, in minutes."""

import time
from pathlib import Path
from typing import Annotated

import typer

from manet.cli.console import console


def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything the demo makes.")] = Path("demo"),
    mirror: Annotated[
        Path | None, typer.Option(help="Folder that stands in for the network (also MANET_MIRROR).")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier demo.")] = False,
) -> None:
    """Map a scene with a released model, then train a small MANet before your eyes, score it and map with it too."""
    from manet.cli.evaluate import evaluate
    from manet.cli.predict import predict
    from manet.cli.train import train
    from manet.demo import clear, draw_demo, prepare_demo, recipe_name, trivial_answer
    from manet.files import refuse_existing

    begin = time.monotonic()
    refuse_existing(out, overwrite)
    clear(out)
    data, run, scores, map_file, first_map = (
        out / name for name in ("data", "run", "scores", "map.tif", "released.tif")
    )

    console.rule("1 of 5  the data")
    manifest = prepare_demo(data, out / "sources", mirror, lambda line: console.print(line, highlight=False))
    console.print(manifest.attribution, highlight=False)
    scene = str(data / manifest.scenes[0].image)
    console.rule(f"2 of 5  a map at once, by the released model '{manifest.dataset}'")
    predict([scene], first_map, manifest.dataset)
    console.print(f"look at   {draw_demo(data, manifest, first_map)}", soft_wrap=True)
    console.rule("3 of 5  training a network of your own")
    train(data, recipe_name(manifest), run)
    console.rule("4 of 5  scores on ground the network has not seen")
    evaluate(run / "best.safetensors", data, scores)
    trivial = trivial_answer(manifest)
    console.print(
        f"the trivial answer, everything {trivial.name}: its IoU {trivial.iou:.2f}, mean IoU {trivial.mean_iou:.2f}"
    )
    console.rule("5 of 5  its map of the whole scene")
    predict([str(run / "best.safetensors"), scene], map_file)
    panel = draw_demo(data, manifest, map_file)

    console.rule(f"done in {(time.monotonic() - begin) / 60:.1f} minutes")
    for line in (
        f"look at   {panel}   image, labels and prediction of the test area side by side",
        f"          {map_file}   the map of the whole scene, for QGIS or any GIS",
        f"          {scores / 'scores.json'}   every score and the protocol it was taken under",
        "next, a map of your own image (same bands, similar ground sampling distance):",
        f"          manet predict {run / 'best.safetensors'} YOUR_IMAGE.tif --out YOUR_MAP.tif",
    ):
        console.print(line, soft_wrap=True)
