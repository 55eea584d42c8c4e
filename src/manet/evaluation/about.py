"""What is worth knowing of an evaluation or a run besides its scores: the model, the data, the machine, the time."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from manet.card import Card
from manet.datasets.manifest import SPLITS, Manifest
from manet.machine import physical, processor, threads
from manet.model import Model

ABOUT = "about.json"


class About(BaseModel):
    """Facts by name, in words, as pages show them."""

    model_config = ConfigDict(frozen=True)

    model: dict[str, str]
    data: dict[str, str]
    machine: dict[str, str]
    """The machine, what computed, and when."""
    gsd_m: float | None = None
    """Ground sampling distance of the data, metres; None if it is unknown."""


def about(model: Model, manifest: Manifest, seconds: float | None = None) -> About:
    """The facts of what was done just now.

    Args:
        model: What was evaluated or trained.
        manifest: The dataset.
        seconds: Time that it took; None to leave it out.
    """
    name = "/".join(model.path.parts[-2:]) if model.path else "in memory"
    return About(
        model={
            "file": name,
            **({"SHA-256": model.runtime.digest} if model.runtime.digest else {}),
            **of_card(model.card),
        },
        data=of_manifest(manifest),
        machine={
            "processor": f"{processor()}, {threads()} thread{'s' * (threads() != 1)}",
            "memory": f"{physical() / 2**30:.0f} GB",
            "system": f"{platform.system()}, Python {platform.python_version()}",
            "computed by": model.runtime.description.partition(": ")[0],  # without the path of a file
            "version": f"manet {version('manet')}, {model.runtime.version}",
            "date": datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC"),
            **({} if seconds is None else {"time": duration(seconds)}),
        },
        gsd_m=manifest.gsd_m,
    )


def of_card(card: Card) -> dict[str, str]:
    """What a checkpoint says of itself, in words."""
    settings = card.recipe.network
    ground = f" at {card.gsd_m:.3g} m a pixel" if card.gsd_m else ""
    return {
        "network": f"{settings.name}, encoder {settings.encoder}",
        "start": "random weights" if settings.weights is None else f"pretrained weights ({settings.weights})",
        "maps": ", ".join(card.legend.names),
        "takes": f"{', '.join(card.bands)} ({card.dtype}){ground}",
        "trained on": card.dataset,
        **({"attribution": card.attribution} if card.attribution else {}),
    }


def of_manifest(manifest: Manifest) -> dict[str, str]:
    """What a dataset is, in words."""
    scenes = len(manifest.scenes)
    ground = f", {manifest.gsd_m:.3g} m a pixel" if manifest.gsd_m else ""
    facts = {"dataset": f"{manifest.dataset}, {scenes} scene{'s' * (scenes != 1)}{ground}"}
    for split in SPLITS:
        if manifest.splits.get(split):
            facts[split] = _extent(manifest, split)
    return facts | {"attribution": manifest.attribution}


def _extent(manifest: Manifest, split: str) -> str:
    areas = next(areas for name, areas in manifest.splits.items() if name == split)
    pixels = next((counts for name, counts in manifest.pixels.items() if name == split), ())
    size = sum(area.height * area.width for area in areas) / 1e6
    text = f"{len(areas)} area{'s' * (len(areas) != 1)}, {size:.3g} Mpx"
    if not sum(pixels):
        return text
    shares = zip(manifest.legend.names, pixels, strict=True)
    return f"{text}: {', '.join(f'{name} {100 * count / sum(pixels):.0f} %' for name, count in shares)}"


def duration(seconds: float) -> str:
    """A time in words: 45 s, 12 min, 3.4 h."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def read_about(folder: Path) -> About | None:
    """The facts in a folder; None if there are none, or none that this version can read."""
    try:
        return About.model_validate_json((folder / ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
