"""`manet export`: a checkpoint as graphs for other runtimes."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from manet.cli.console import console
from manet.cli.progress import ConsoleProgress


def export(
    checkpoint: Annotated[str, typer.Argument(help="Checkpoint, run folder or released model.")],
    to: Annotated[
        Literal["graphs", "deepness"], typer.Option(help="A folder of graphs, or one file for Deepness in QGIS.")
    ] = "graphs",
    size: Annotated[int | None, typer.Option(help="Deepness: height and width of its windows, pixels.")] = None,
    precision: Annotated[Literal["fp32", "bf16", "int8"], typer.Option(help="What is computed in.")] = "fp32",
    half: Annotated[bool, typer.Option("--half", help="Keep the weights in 16 bits: half the size.")] = False,
    out: Annotated[Path | None, typer.Option(help="What to write; beside the checkpoint if not given.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="int8: prepared dataset that the checkpoint was trained on, to calibrate.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an exported network that is there.")] = False,
) -> None:
    """Write a network as ONNX graphs for OpenVINO and ONNX Runtime, for any image size and both contexts.

    They are compared with the network before anything is written.
    """
    from manet.errors import OptionError
    from manet.export.write import export as run
    from manet.find_model import find_model
    from manet.released import released
    from manet.runtime.export_card import beside

    path = find_model(checkpoint)
    if to == "deepness":
        from manet.export.deepness import export_for_deepness

        if precision != "fp32" or half:
            raise OptionError("the file for Deepness is in float32; leave out the precision", option="precision")
        # a released model lies in the package, where nobody would look for a file
        beside_it = Path(path.name) if checkpoint in released() else path
        file = out or beside_it.with_suffix(".deepness.onnx")
        with ConsoleProgress() as progress:
            taken = export_for_deepness(path, file, size=size, overwrite=overwrite, progress=progress)
        console.print(f"written: {file}, for windows of {taken} pixels; open it in Deepness", soft_wrap=True)
        return
    out = out or beside(path, precision)
    with ConsoleProgress() as progress:
        card = run(path, out, precision, half=half, data=data, overwrite=overwrite, progress=progress)
    worst = max(card.parity, key=lambda found: found.probability)
    least = min(found.equal_classes for found in card.parity)
    of = "the float32 graphs" if precision == "int8" else "the graphs"
    console.print(
        f"{of} and the network differ by at most {worst.probability:.1e} of a probability "
        f"({worst.height} x {worst.width} pixels, {worst.case}), {100 * least:.3f} % equal classes",
        soft_wrap=True,
    )
    console.print(f"written: {out}; predict with it as with a checkpoint", soft_wrap=True)
