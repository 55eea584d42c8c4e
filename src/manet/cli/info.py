"""`manet info`: what a file or folder holds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from manet.cli.console import console

if TYPE_CHECKING:
    from manet.card import Card
    from manet.legend import Legend


def info(
    file: Annotated[
        str, typer.Argument(help="Checkpoint, name of a released model, prepared dataset, folder of a run, or image.")
    ],
) -> None:
    """Say what a checkpoint, a prepared dataset, a run or an image holds."""
    from manet.datasets.manifest import MANIFEST
    from manet.errors import SceneError
    from manet.released import released

    path = Path(file)
    if not path.exists():
        path = released().get(file, path)
    if path.suffix == ".safetensors":
        _print(f"checkpoint {path}", _checkpoint(path))
    elif path.name == MANIFEST or (path / MANIFEST).is_file():
        folder = path.parent if path.name == MANIFEST else path
        _print(f"prepared dataset {folder}", _dataset(folder))
    elif path.is_dir():
        rows = _run(path)
        if not rows:
            raise SceneError(
                f"{path} is neither a prepared dataset nor a run; give one of these, a checkpoint or an image"
            )
        _print(f"run {path}", rows)
    else:
        _print(f"scene {file}", _scene(file))


def _print(title: str, rows: dict[str, str]) -> None:
    table = Table(title=title, title_justify="left", show_header=False, box=None)
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table, markup=False, highlight=False)


def _checkpoint(path: Path) -> dict[str, str]:
    from manet.card import read_card

    return _card(read_card(path)) | {"size": f"{path.stat().st_size / 1e6:.1f} MB"}


def _card(card: "Card") -> dict[str, str]:
    epoch = card.scores.get("epoch")
    shares = {name: card.scores.get(name) for name in ("mean_iou", "mean_f1", "overall_accuracy")}
    scores = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in shares.items() if value is not None)
    return {
        "network": f"{card.recipe.network.name}, encoder {card.recipe.network.encoder}",
        "trained on": f"{card.dataset}, patches of {card.training_size} pixels",
        "best epoch": f"{epoch + 1 if epoch is not None else 'unknown'} of {card.recipe.training.epochs}; {scores}",
        "classes": _classes(card.legend),
        "bands": f"{', '.join(card.bands)} ({card.dtype})",
        "band means": ", ".join(f"{mean:.4g}" for mean in card.band_mean),
        "deviations": ", ".join(f"{std:.4g}" for std in card.band_std),
        "ground sampling": _ground(card.gsd_m),
        "scene context": "halo not measured" if card.halo is None else f"halo of {card.halo} pixels",
        "attribution": card.attribution,
        "made by": f"manet {card.version}",
    }


def _dataset(folder: Path) -> dict[str, str]:
    from manet.datasets.manifest import SPLITS, read_manifest

    manifest = read_manifest(folder)
    rows = {
        "name": manifest.dataset,
        "scenes": f"{len(manifest.scenes)}, {sum(s.height * s.width for s in manifest.scenes) / 1e6:.1f} Mpx",
        "classes": _classes(manifest.legend),
        "bands": f"{', '.join(manifest.bands)} ({manifest.dtype})",
        "band means": ", ".join(f"{mean:.4g}" for mean in manifest.statistics.mean),
        "deviations": ", ".join(f"{std:.4g}" for std in manifest.statistics.std),
        "ground sampling": _ground(manifest.gsd_m),
    }
    for split in SPLITS:
        areas, pixels = manifest.splits.get(split, ()), manifest.pixels.get(split, ())
        shares = ", ".join(
            f"{name} {100 * count / max(sum(pixels), 1):.1f} %"
            for name, count in zip(manifest.legend.names, pixels, strict=False)
        )
        rows[split] = f"{len(areas)} areas, {sum(pixels) / 1e6:.1f} Mpx labelled: {shares}" if areas else "none"
    return rows | {"attribution": manifest.attribution}


def _run(folder: Path) -> dict[str, str]:
    """What is known of a run; empty if the folder is not one."""
    from manet.training.run import BEST, RECIPE, STATE

    if not (folder / RECIPE).is_file():
        return {}
    rows = {"state to resume from": "yes" if (folder / STATE).exists() else f"no {STATE}"}
    if (folder / BEST).is_file():
        return rows | _card_of_best(folder / BEST)
    from manet.run_folder import read_kept_recipe

    recipe = read_kept_recipe(folder)
    return rows | {
        "network": f"{recipe.network.name}, encoder {recipe.network.encoder}",
        "epochs": str(recipe.training.epochs),
        "best epoch": "none yet",
    }


def _card_of_best(path: Path) -> dict[str, str]:
    return {"best checkpoint": str(path)} | _checkpoint(path)


def _scene(file: str) -> dict[str, str]:
    from manet.raster.collar import find_collar
    from manet.raster.scene import Scene
    from manet.raster.vectors import bounds_of

    with Scene(file) as scene:
        west, south, east, north = bounds_of(scene.window, scene.transform)
        extent = f"x {west:.10g} to {east:.10g}, y {south:.10g} to {north:.10g}"
        return {
            "size": f"{scene.height} x {scene.width} pixels (height x width)",
            "bands": f"{scene.bands}: {', '.join(scene.band_names)} ({scene.dtype})",
            "valid pixels": "by an alpha band" if scene.has_alpha else "by the file's nodata or mask, if it has one",
            "frame": f"{collar} would be nodata" if (collar := find_collar(scene)) else "none",
            "CRS": scene.crs.to_string()[:80] if scene.crs else "none",
            "extent": extent if scene.crs else "none",
            "ground sampling": _ground(scene.gsd_m()),
        }


def _classes(legend: "Legend") -> str:
    return ", ".join(c.name if c.foreground else f"{c.name} (not in the means)" for c in legend.classes)


def _ground(gsd_m: float | None) -> str:
    return f"{gsd_m:.3g} m a pixel" if gsd_m else "unknown"
