"""The whole measurement: the network exported, then every case in turns."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from manet import __version__
from manet.errors import ExportError
from manet.export.write import export
from manet.extras import is_installed
from manet.paper.bench_machine import measure_machine
from manet.paper.speed.cases import context_case, kernel_cases, network_case, scene_case, step_case
from manet.paper.speed.interleave import Case, Timing, measure
from manet.paper.speed.isolated import Isolate, processes
from manet.paper.speed.report import CaseKind, SpeedReport, SpeedSettings
from manet.paper.speed.subject import Subject, make_subject
from manet.progress import QUIET, Progress
from manet.runtime.choose import Kind
from manet.runtime.export_card import Precision, beside
from manet.runtime.graphs import Graphs, load_graphs

HALO = 64
"""Halo for the scene from file to file, pixels; with window context its windows overlap by twice as much."""

KERNEL_SIZES = (512, 256, 1024, 2048)
"""Heights and widths of the images at whose levels kernel attention is timed, pixels."""


def measure_speed(
    settings: SpeedSettings, checkpoint: Path | None = None, data: Path | None = None, progress: Progress = QUIET
) -> SpeedReport:
    """Time kernel attention, a network, a training step and a scene against the published formulation.

    int8 is measured if both `checkpoint` and `data` are given, because it is calibrated on training patches.

    Args:
        settings: What is measured.
        checkpoint: Checkpoint of a MANet; None for an untrained network of `settings.encoder`.
        data: A prepared dataset, whose test areas are predicted; None for noise like imagery.
        progress: Is told of every case.

    Raises:
        NetworkError: The checkpoint is of another network, or sizes are no multiples of its stride.
    """
    torch.manual_seed(0)
    with TemporaryDirectory(prefix="manet-speed-") as temporary:
        subject = make_subject(settings, checkpoint, data, Path(temporary))
        needed = settings.only in (None, "network", "scene")
        exported = _exported(subject.checkpoint, data if checkpoint else None, progress) if needed else {}
        machine = measure_machine()
        rows: list[Timing] = []
        with processes() as isolate:
            for case in _cases(settings, subject, exported, isolate):
                progress.note(case.name)
                rows += measure(case, settings.rounds, settings.budget_s, machine.gflops)
    return SpeedReport(
        version=__version__,
        settings=settings,
        network=subject.network_words,
        imagery=subject.image_words,
        machine=machine,
        rows=tuple(rows),
    )


def _cases(settings: SpeedSettings, subject: Subject, exported: dict[str, Graphs], isolate: Isolate) -> Iterator[Case]:
    network, legend, image, scene = subject.network, subject.card.legend, subject.image, subject.scene

    def asked(kind: CaseKind) -> bool:
        return settings.only in (None, kind)

    if asked("attention"):
        yield from kernel_cases(network.encoder.channels, network.encoder.strides, list(KERNEL_SIZES))
    if asked("network"):
        images = torch.from_numpy(image[None, :, : settings.size, : settings.size].copy())
        yield network_case(network, exported, images)
    if asked("step"):
        side = settings.step_size
        corners = [(row, col) for row in (0, image.shape[1] - side) for col in (0, image.shape[2] - side)]
        patches = np.stack([image[:, row : row + side, col : col + side] for row, col in corners])
        yield step_case(subject.checkpoint, torch.from_numpy(patches), isolate)
    if asked("scene"):
        yield scene_case(network, exported, scene, len(legend), settings.size)
    if asked("contexts"):
        yield context_case(network, legend, scene, settings.size, HALO)


def _exported(checkpoint: Path, data: Path | None, progress: Progress) -> dict[str, Graphs]:
    """The network in every runtime and precision that this machine has, by name."""
    exported: dict[str, Graphs] = {}
    precisions: tuple[Precision, ...] = ("fp32", "bf16", "int8")
    for precision in precisions:
        if not is_installed("onnx") or (precision == "int8" and (data is None or not is_installed("onnxruntime"))):
            continue
        progress.note(f"exporting: {precision}")
        out = beside(checkpoint, precision)
        try:
            export(checkpoint, out, precision, data=data)
        except ExportError as error:
            progress.note(f"left out: {error}")
            continue
        runtimes: tuple[Kind, ...] = ("openvino", "onnxruntime")
        for runtime in runtimes:
            if is_installed(runtime) and (runtime, precision) != ("onnxruntime", "bf16"):
                exported[f"{runtime}, {precision}"] = load_graphs(out, runtime)
    return exported
