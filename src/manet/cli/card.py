"""`manet card`: what a network of others takes and gives, written beside its ONNX file."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from manet.cli.console import console


def card(
    file: Annotated[Path, typer.Argument(help="ONNX file of a segmentation network.")],
    classes: Annotated[str | None, typer.Option(help="Names of the classes, separated by commas.")] = None,
    bands: Annotated[str | None, typer.Option(help="Names of the bands in order, separated by commas.")] = None,
    gsd: Annotated[float | None, typer.Option(help="Ground sampling distance of its imagery, metres a pixel.")] = None,
    scale: Annotated[float | None, typer.Option(help="Values are divided by this, then standardised.")] = None,
    mean: Annotated[str | None, typer.Option(help="Mean of each band after the division, with commas.")] = None,
    std: Annotated[str | None, typer.Option(help="Standard deviation of each band, with commas.")] = None,
    gives: Annotated[Literal["logits", "probabilities"] | None, typer.Option(help="What it gives.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a card that is there.")] = False,
) -> None:
    """Write the card of an ONNX file that others trained, so that `manet predict --model FILE` maps with it.

    What is not given is taken from the file's own metadata, as Deepness writes them.
    """
    from pydantic import ValidationError

    from manet.errors import CheckpointError, OptionError
    from manet.files import replacing
    from manet.runtime.other_card import OtherCard, card_file, read_other_card
    from manet.runtime.other_graph import read_graph
    from manet.wrong_values import explain

    facts = read_graph(file)
    try:
        known = read_other_card(file, facts.metadata).model_dump()
    except CheckpointError:
        known = {}
    count = facts.bands or 3
    known.setdefault("mean", (0.0,) * count)
    known.setdefault("std", (1.0,) * count)
    given = {
        "classes": classes and tuple(name.strip() for name in classes.split(",")),
        "bands": bands and tuple(name.strip() for name in bands.split(",")),
        "gsd_m": gsd,
        "scale": scale,
        "mean": mean and _numbers("mean", mean),
        "std": std and _numbers("std", std),
        "gives": gives,
    }
    values = known | {name: value for name, value in given.items() if value is not None}
    if "classes" not in values:
        raise OptionError(f"{file} does not name its {facts.channels} classes; give their names", option="classes")
    try:
        found = OtherCard.model_validate(values)
    except ValidationError as error:
        raise OptionError(f"the card cannot be so: {explain(error, OtherCard)}") from error
    with replacing(card_file(file), overwrite) as partial:
        partial.write_text(found.model_dump_json(indent=1), encoding="utf-8")
    for name, value in found.model_dump().items():
        console.print(f"{name}: {value}", markup=False, highlight=False)
    console.print(f"next: manet predict --model {file} YOUR_IMAGE.tif --out MAP.tif", soft_wrap=True, highlight=False)


def _numbers(option: str, text: str) -> tuple[float, ...]:
    from manet.errors import OptionError

    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise OptionError(f"got '{text}'; expected numbers separated by commas", option=option) from error
