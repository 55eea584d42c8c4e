"""`manet benchmark figures`: the networks' maps side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manet.cli.console import console, progress_bar
from manet.errors import OutputError, SceneError

if TYPE_CHECKING:
    from manet.datasets.manifest import Manifest
    from manet.paper.comparison.figures import Place


def figures(
    experiment: Annotated[Path, typer.Argument(help="Folder of an experiment, made by `manet benchmark paper`.")],
    dataset: Annotated[Path, typer.Option("--data", help="Its prepared dataset.")],
    out: Annotated[Path, typer.Option(help="Folder for the figures, PNG.")],
    at: Annotated[
        list[str] | None,
        typer.Option(help="Window to show: SCENE:ROW,COL of its first pixel; several times for several figures."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Figures, where no window is named: those that differ most.")] = 3,
    size: Annotated[int, typer.Option(min=64, help="Height and width of a figure's window, pixels.")] = 1024,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace figures that are there.")] = False,
) -> None:
    """Fig. 6 to 8: image, labels and every network's map; boxes where the networks differ most."""
    from manet.cli.device import choose_device
    from manet.evaluation.evaluate import areas_of
    from manet.files import refuse_existing
    from manet.paper.comparison.experiment import reopen_experiment
    from manet.paper.comparison.figures import candidates, most_differing, write_figure
    from manet.paper.comparison.maps import predict_places
    from manet.paper.comparison.results import first_runs

    opened = reopen_experiment(dataset, experiment)
    runs = first_runs(experiment)
    if not runs:
        raise OutputError(f"{experiment} has no finished run yet; go on with `manet benchmark paper`")
    legend, areas = opened.manifest.legend, areas_of(opened.manifest, opened.settings.split)
    places = [_place(text, size, opened.manifest) for text in at] if at else candidates(areas, size)
    paths = [out / f"figure-{index + 1}.png" for index in range(len(places) if at else count)]
    for path in paths:
        refuse_existing(path, overwrite)
    with progress_bar("predicting", len(runs) * len(places)) as advance:
        maps = predict_places(opened, runs, places, choose_device(device), advance)
        chosen = list(maps) if at else most_differing(maps, count)
    for path, one in zip(paths, chosen, strict=False):
        write_figure(one, legend, path, overwrite)
        console.print(f"{one.place}: {path}", soft_wrap=True)


def _place(text: str, size: int, manifest: "Manifest") -> "Place":
    """Raises SceneError where the text names no window of a scene of the dataset."""
    from manet.paper.comparison.figures import Place
    from manet.raster.windows import Window

    name, _, corner = text.rpartition(":")
    scenes = {scene.name: scene for scene in manifest.scenes}
    try:
        row, col = (int(number) for number in corner.split(","))
        scene = scenes[name]
    except (ValueError, KeyError):
        raise SceneError(f"got a window '{text}'; expected SCENE:ROW,COL with one of {', '.join(scenes)}") from None
    window = Window(row, col, min(size, scene.height), min(size, scene.width))
    if not Window(0, 0, scene.height, scene.width).contains(window):
        raise SceneError(f"the window of {size} pixels at {text} reaches beyond {scene.height} x {scene.width} pixels")
    return Place(name, window)
