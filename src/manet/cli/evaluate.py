"""`manet evaluate`: score a checkpoint on a split."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from manet.cli.console import console, progress_bar
from manet.cli.options import (
    AugmentationOption,
    BackendOption,
    CacheOption,
    ContextChoice,
    ContextOption,
    EnergyOption,
    HaloOption,
    OverlapOption,
    WindowOption,
)
from manet.cli.score_tables import print_protocols, print_scores


def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint (runs/x/best.safetensors), or an exported network.")],
    data: Annotated[Path, typer.Option(help="Prepared dataset.")],
    out: Annotated[Path, typer.Option(help="Folder for scores.json, scores.csv and pictures.")],
    split: Annotated[
        Literal["train", "validation", "test"], typer.Option(help="Part of the dataset to score.")
    ] = "test",
    labels: Annotated[
        Literal["full", "eroded"],
        typer.Option(help="Labels as they are, or with the pixels near boundaries between classes left out."),
    ] = "full",
    foreground: Annotated[
        str, typer.Option(help="Classes of the means: the legend's foreground, all, or how many (ISPRS: 5 or 6).")
    ] = "legend",
    augmentation: AugmentationOption = "none",
    all_protocols: Annotated[
        bool,
        typer.Option("--all-protocols", help="Also every protocol: all labels there are, foregrounds, augmentations."),
    ] = False,
    boundary: Annotated[
        bool, typer.Option("--boundary", help="Also boundary IoU and boundary F1, within 3 pixels.")
    ] = False,
    boundary_m: Annotated[float | None, typer.Option(help="The same within so many metres.")] = None,
    by_size: Annotated[
        bool, typer.Option("--by-size", help="Also what is found of objects of every size, with a picture.")
    ] = False,
    errors: Annotated[
        bool, typer.Option("--errors", help="Also error maps: where the prediction is right and where it is wrong.")
    ] = False,
    context: ContextOption = "window",
    window: WindowOption = None,
    overlap: OverlapOption = 64,
    halo: HaloOption = None,
    cache: CacheOption = "2GB",
    energy: EnergyOption = "paper",
    backend: BackendOption = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace scores that are there.")] = False,
) -> None:
    """Score a checkpoint: overall accuracy, F1 and IoU per class, and the protocol they were taken under.

    The default is the paper's protocol: full labels, overall accuracy over all classes, means over the legend's
    foreground, no test-time augmentation.
    """
    from manet.cli.device import choose_device
    from manet.datasets.manifest import read_manifest
    from manet.evaluation.boundary import boundary_tolerance
    from manet.evaluation.confusion_matrix import draw_confusion
    from manet.evaluation.evaluate import areas_of, check_legend, evaluate_all, label_versions
    from manet.evaluation.objects import check_by_size
    from manet.evaluation.objects_figure import draw_objects
    from manet.evaluation.protocol import Grid, PredictionSettings, parse_foreground
    from manet.evaluation.report import (
        CONFUSION,
        ERRORS,
        GRID,
        PROTOCOLS,
        ROWS,
        SCORES,
        SIZES,
        SIZES_FIGURE,
        filling,
        refuse_earlier,
        write_protocols,
        write_scores,
    )
    from manet.export.backends import load_backend
    from manet.raster.scene import Scene

    refuse_earlier(out, overwrite)
    manifest, torch_device = read_manifest(data), choose_device(device)
    areas = areas_of(manifest, split)
    grid = Grid((labels,), (parse_foreground(foreground, manifest.legend),), (augmentation,))
    if all_protocols:
        grid = grid.widened(label_versions(manifest, split), manifest.legend, context)
    tolerance = boundary_tolerance(manifest, boundary_m, grid) if boundary or boundary_m is not None else None
    if by_size:
        check_by_size(grid)
    network, runs_on = load_backend(checkpoint, backend, torch_device, energy)
    assert network.legend is not None
    check_legend(network.legend, manifest)
    console.print(f"runs on {runs_on}", soft_wrap=True, markup=False, highlight=False)
    if context == "scene" and window is None:
        window = 1024  # whatever the machine's memory is, so that the protocol says the same everywhere
    choice, evaluations = ContextChoice(context, window, overlap, halo, cache, energy), []
    with filling(out, overwrite) as folder:
        for chosen in grid.augmentations:
            with Scene(data / manifest.scene(areas[0].scene).image) as first:
                predictor = replace(choice, augmentation=chosen).predictor(
                    network, first, areas[0].window, torch_device
                )
            settings = PredictionSettings(
                window=predictor.tiling.window,
                overlap=predictor.overlap,
                augmentation=chosen,
                context=context,
                energy=energy,
            )
            name = f"evaluating on {split}" + (f", {chosen}" if len(grid.augmentations) > 1 else "")
            with progress_bar(name, sum(predictor.windows(area.window) for area in areas)) as advance:
                evaluations += evaluate_all(
                    lambda scene, area, p=predictor, a=advance: p.predict(scene, area, a),
                    data,
                    manifest,
                    split,
                    settings,
                    labels=grid.labels,
                    foregrounds=grid.foregrounds,
                    tolerance=tolerance,
                    by_size=by_size,
                    errors=folder / ERRORS if errors and not evaluations else None,
                )
        write_scores(evaluations[0], folder)
        draw_confusion(evaluations[0], folder / CONFUSION)
        if evaluations[0].objects is not None:
            draw_objects(evaluations[0].objects, manifest.gsd_m, folder / SIZES_FIGURE)
        if all_protocols:
            write_protocols(evaluations, folder)
    print_scores(evaluations[0])
    if all_protocols:
        print_protocols(evaluations)
    names = [
        SCORES,
        ROWS,
        CONFUSION,
        *([SIZES, SIZES_FIGURE] if evaluations[0].objects else []),
        *([GRID, f"{PROTOCOLS}/"] if all_protocols else []),
        *([f"{ERRORS}/"] * errors),
    ]
    console.print(f"written to {out}: {', '.join(names)}", soft_wrap=True)
