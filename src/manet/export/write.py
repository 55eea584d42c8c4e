"""From a checkpoint to a folder of graphs with a card, checked against the network before it takes its name."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from manet.errors import ExportError, NetworkError, OutputError
from manet.export import onnx, openvino
from manet.export.graph_metadata import metadata
from manet.export.graphs import graphs
from manet.export.int8 import to_int8
from manet.export.parity import check, imagery, measure
from manet.files import refuse_existing, sha256, staging
from manet.networks import Network
from manet.networks.checkpoint import read_checkpoint
from manet.progress import QUIET, Progress
from manet.runtime.export_card import CARD, ExportCard, Format, Precision
from manet.runtime.graphs import FORMATS, PACKAGES, Graphs, require
from manet.runtime.pytorch import PyTorch

WRITERS = {"onnx": onnx.write, "openvino": openvino.write}

TRACED_AT = (4, 5)
"""Height and width, in strides, of the images that graphs are traced with."""


def export(
    checkpoint: Path,
    out: Path,
    to: Format,
    precision: Precision = "fp32",
    *,
    data: Path | None = None,
    overwrite: bool = False,
    progress: Progress = QUIET,
) -> ExportCard:
    """Write a checkpoint's network as graphs of a format into the folder `out`.

    data: the prepared dataset whose training patches int8 is calibrated on, and whose validation patches its accuracy
    is measured on.
    Raises ExportError where a package is not installed, the format has no such precision, or the graphs differ from
    the network; nothing is left at `out` then.
    """
    _check_request(to, precision, data)
    refuse_existing(out, overwrite)
    network, card = read_checkpoint(checkpoint)
    with _replacing_folder(out) as partial:
        progress.note(f"tracing {card.recipe.network.name} with {card.recipe.network.encoder}")
        example = torch.from_numpy(imagery(card, *(network.stride * cells for cells in TRACED_AT))).repeat(2, 1, 1, 1)
        parts, each = graphs(network, example)
        first: Format = "onnx" if precision == "int8" else to
        for graph in each:
            path = partial / f"{graph.name}{FORMATS[first].SUFFIX}"
            WRITERS[first](graph, path, metadata(card, graph.name))
        export_card = ExportCard(
            network=card,
            format=first,
            precision="fp32" if precision == "int8" else precision,
            stride=network.stride,
            first_stride=network.encoder.strides[0],
            parts=parts,
            no_scene_context=_why_no_scene_context(network),
            checkpoint_sha256=sha256(checkpoint),
            parity=(),
        )
        progress.note("comparing with the network")
        parity = tuple(
            measure(PyTorch(network), Graphs(partial, export_card), card, export_card.no_scene_context is None)
        )
        check(parity, export_card.precision)
        export_card = export_card.model_copy(update={"parity": parity})
        if precision == "int8":
            assert data is not None
            export_card = to_int8(partial, export_card, data, progress)
            if to == "openvino":
                for path in sorted(partial.glob("*.onnx")):
                    openvino.convert(path, path.with_suffix(".xml"), metadata(card, path.stem))
                    path.unlink()
                export_card = export_card.model_copy(update={"format": "openvino"})
        (partial / CARD).write_text(export_card.model_dump_json(indent=1), encoding="utf-8")
    return export_card


def _check_request(to: Format, precision: Precision, data: Path | None) -> None:
    if to == "onnx" and precision == "bf16":
        raise ExportError("ONNX Runtime has no bfloat16 convolutions on a CPU; export to openvino, or in fp32 or int8")
    if precision == "int8" and data is None:
        raise ExportError("int8 is calibrated on training patches; give the prepared dataset that they are of")
    for form in {to, "onnx"} if precision == "int8" else {to}:
        require(PACKAGES[form], form)
    if to == "onnx" or precision == "int8":
        require("onnx", "onnx")


def _why_no_scene_context(network: Network) -> str | None:
    try:
        network.check_local()
    except NetworkError as error:
        return str(error)
    if network.needs_place:
        return "this network pools by region, which a graph for windows of any place cannot; predict with PyTorch"
    return None


@contextmanager
def _replacing_folder(out: Path) -> Iterator[Path]:
    """A folder beside `out`; it takes that name if nothing fails, else it goes."""
    if out.exists() and not (out / CARD).is_file():
        raise OutputError(f"{out} exists and is no exported network; give another name")
    with staging(out) as partial:
        yield partial
        if out.exists():
            shutil.rmtree(out)
        os.replace(partial, out)
