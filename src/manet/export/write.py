"""From a checkpoint to a folder of graphs with a card, checked against the network before it takes its name."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from manet.errors import ExportError, NetworkError, OutputError
from manet.export.graph_metadata import metadata
from manet.export.graphs import graphs
from manet.export.int8 import to_int8
from manet.export.memory import measure_bytes_per_pixel
from manet.export.onnx import share_weights, write
from manet.export.parity import check, imagery, measure
from manet.export.stac_item import write_export_item
from manet.extras import require
from manet.files import refuse_existing, sha256, staging
from manet.networks import Network
from manet.networks.checkpoint import read_checkpoint
from manet.progress import QUIET, Progress
from manet.runtime.export_card import CARD, ExportCard, Precision, digest_of_graphs
from manet.runtime.graphs import Graphs
from manet.runtime.pytorch import PyTorch

TRACED_AT = (4, 5)
"""Height and width, in strides, of the images that graphs are traced with."""


def export(
    checkpoint: Path,
    out: Path,
    precision: Precision = "fp32",
    *,
    half: bool = False,
    data: Path | None = None,
    overwrite: bool = False,
    progress: Progress = QUIET,
) -> ExportCard:
    """Write a checkpoint's network as ONNX graphs, which OpenVINO and ONNX Runtime compute.

    Args:
        checkpoint: Of training.
        out: Folder to write.
        precision: What is to be computed in.
        half: Keep the weights in 16 bits: half the size, computed as before.
        data: int8: the prepared dataset whose training patches it is calibrated on, and whose validation patches its
            accuracy is measured on.
        overwrite: Replace an exported network that is there.
        progress: Is told what is done.

    Raises:
        ExportError: A package is not installed, or the graphs differ from the network; nothing is left at `out` then.
        CheckpointError: The checkpoint is missing or corrupt.
        OutputError: `out` exists and is not to be replaced, or cannot be written.
    """
    _check_request(precision, data)
    refuse_existing(out, overwrite)
    network, card = read_checkpoint(checkpoint)
    with _replacing_folder(out) as partial:
        progress.note(f"tracing {card.recipe.network.name} with {card.recipe.network.encoder}")
        example = torch.from_numpy(imagery(card, *(network.stride * cells for cells in TRACED_AT))).repeat(2, 1, 1, 1)
        parts, each = graphs(network, example)
        for graph in each:
            write(graph, partial / f"{graph.name}.onnx", metadata(card, graph.name))
        share_weights(partial, half and precision != "int8")
        export_card = ExportCard(
            network=card,
            precision="fp32" if precision == "int8" else precision,
            half=half,
            stride=network.stride,
            first_stride=network.encoder.strides[0],
            parts=parts,
            no_scene_context=_why_no_scene_context(network),
            checkpoint_sha256=sha256(checkpoint),
            parity=(),
        )
        progress.note("comparing with the network")
        own, written = PyTorch(network), Graphs(partial, export_card)
        exact = export_card.no_scene_context is None
        parity = tuple(measure(own, written, card, exact))
        check(parity, export_card.precision, half)
        halo = own.theoretical_halo() if exact else None
        export_card = export_card.model_copy(update={"parity": parity, "theoretical_halo": halo})
        if exact:
            _write_card(partial, export_card)
            export_card = export_card.model_copy(update={"bytes_per_pixel": measure_bytes_per_pixel(partial)})
        if precision == "int8":
            assert data is not None
            export_card = to_int8(partial, export_card, data, progress)
            share_weights(partial, half)
        export_card = _write_card(partial, export_card)
        parameters = sum(parameter.numel() for parameter in network.parameters())
        write_export_item(partial, out, export_card, checkpoint, parameters)
    return export_card


def _write_card(folder: Path, card: ExportCard) -> ExportCard:
    """Write the card of the graphs as they are now."""
    card = card.model_copy(update={"graphs_sha256": digest_of_graphs(folder)})
    (folder / CARD).write_text(card.model_dump_json(indent=1), encoding="utf-8")
    return card


def _check_request(precision: Precision, data: Path | None) -> None:
    if precision == "int8":
        if data is None:
            raise ExportError("int8 is calibrated on training patches; give the prepared dataset that they are of")
        require("onnxruntime")
    require("onnx")


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
