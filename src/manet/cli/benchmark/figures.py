"""`manet benchmark figures`: the networks' maps side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manet.cli.console import console
from manet.errors import OutputError, SceneError

if TYPE_CHECKING:
    from manet.datasets.manifest import Manifest
    from manet.paper.comparison.figures import SceneWindow


def figures(
    experiment: Annotated[Path, typer.Argument(help="Folder of an experiment, made by `manet benchmark paper`.")],
    dataset: Annotated[Path, typer.Option("--data", help="Its prepared dataset.")],
    out: Annotated[Path, typer.Option(help="Folder for the figures, PNG.")],
    at: Annotated[
        list[str] | None,
        typer.Option(help="Window to show: SCENE:ROW,COL of its first pixel; can be given several times."),
    ] = None,
    count: Annotated[
        int, typer.Option(min=1, help="Number of figures without --at: the windows in which the networks differ most.")
    ] = 3,
    size: Annotated[int, typer.Option(min=64, help="Height and width of a figure's window, pixels.")] = 1024,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace figures that are there.")] = False,
) -> None:
    """Fig. 6 to 8: image, labels and every network's map, with boxes where the networks differ most."""
    from manet.cli.progress import ConsoleProgress
    from manet.evaluation.scoring import areas_of
    from manet.files import refuse_existing
    from manet.paper.comparison.experiment import reopen_experiment
    from manet.paper.comparison.figures import candidates, most_differing, predict_windows, write_figure
    from manet.paper.comparison.results import first_runs

    opened = reopen_experiment(dataset, experiment)
    runs = first_runs(experiment)
    if not runs:
        raise OutputError(f"{experiment} has no finished run yet; resume it with `manet benchmark paper`")
    legend, areas = opened.manifest.legend, areas_of(opened.manifest, opened.settings.split)
    windows = [_parse_window(text, size, opened.manifest) for text in at] if at else candidates(areas, size)
    paths = [out / f"figure-{index + 1}.png" for index in range(len(windows) if at else count)]
    for path in paths:
        refuse_existing(path, overwrite)
    with ConsoleProgress() as progress:
        maps = predict_windows(opened, runs, windows, device, progress)
        chosen = list(maps) if at else most_differing(maps, count)
    for path, one in zip(paths, chosen, strict=False):
        write_figure(one, legend, path, overwrite)
        console.print(f"{one.at}: {path}", soft_wrap=True)


def _parse_window(text: str, size: int, manifest: "Manifest") -> "SceneWindow":
    """The window that a text names. Raises SceneError if the dataset has no such window."""
    from manet.paper.comparison.figures import SceneWindow
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
    return SceneWindow(name, window)
