"""Exported graphs, computed by OpenVINO or ONNX Runtime on a CPU."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from manet.errors import NetworkError
from manet.extras import require
from manet.files import sha256
from manet.machine import available, threads
from manet.raster.windows import Place
from manet.runtime import onnxruntime, openvino
from manet.runtime.cache import cache_of
from manet.runtime.choose import Kind, of_graphs
from manet.runtime.export_card import (
    CARD,
    DECODE,
    ENCODE,
    SUMMARISE,
    WHOLE,
    ExportCard,
    Precision,
    check_graphs,
    read_export_card,
)
from manet.runtime.protocol import Features, Floats, Runtime, Summary, Valid, as_weights, pad_to_stride

SESSIONS = {"onnxruntime": onnxruntime.Session, "openvino": openvino.Session}


class Graphs(Runtime):
    """The graphs of a network: the whole one for windows whose pixels are all valid, the parts for scene context and
    for windows with nodata. They are loaded when they are first needed.

    `refine` only keeps features and summaries together for `decode`, which is one graph with it.
    """

    def __init__(self, folder: Path, export: ExportCard, digest: str = "", kind: Kind | None = None) -> None:
        self.folder, self.export, self.digest, self._kind = folder, export, digest, kind or of_graphs()
        self.stride, self.fields = export.stride, export.parts.summaries
        self._sessions, self._loader = dict[str, Future[Any]](), ThreadPoolExecutor(1)

    @property
    def description(self) -> str:
        return f"{self.kind}, {self.computes_in}: {self.folder}"

    @property
    def kind(self) -> str:
        return self._kind

    @property
    def version(self) -> str:
        return f"{self.kind} {version(self.kind)}"

    @property
    def computes_in(self) -> str:
        """The number type that the processor computes in."""
        return self._session(WHOLE).computes_in

    def whole(self, images: Floats, valid: Valid | None = None) -> Floats:
        height, width = images.shape[2:]
        valid = None if valid is None else as_weights(valid, images.shape)
        images, valid = pad_to_stride(images, valid, self.stride)
        if valid is None:
            (logits,) = _run(self._session(WHOLE), {"images": images})
        else:
            features = self.encode(images, valid)
            logits = self.decode(self.refine(features, self.summarise(features, valid)))
        return logits[..., :height, :width]

    def encode(self, images: Floats, valid: Valid | None = None) -> Features:
        given = np.ones_like(images[:, :1]) if valid is None else as_weights(valid, images.shape)
        return list(_run(self._session(ENCODE), {"images": images, "valid": given}))

    def summarise(self, features: Features, valid: Valid | None = None, place: Place | None = None) -> list[Summary]:
        """`place` is not looked at: networks that must know it are not exported for scene context."""
        if not any(self.export.parts.summaries):
            return self.export.parts.nest([])
        first, stride = features[0], self.export.first_stride
        shape = (first.shape[0], 1, *(stride * length for length in first.shape[2:]))
        valid = np.ones(shape, np.float32) if valid is None else as_weights(valid, shape)
        flat = _run(self._session(SUMMARISE), {**named_features(features), "valid": valid})
        return self.export.parts.nest([part.astype(np.float64) for part in flat])

    def refine(self, features: Features, summaries: Sequence[Summary], place: Place | None = None) -> Features:
        """What `decode` takes: the features, then the summaries' arrays."""
        return [*features, *(part.astype(np.float32) for summary in summaries for part in summary)]

    def decode(self, features: Features) -> Floats:
        count = self.export.parts.features
        summaries = self.export.parts.nest(features[count:])
        return _run(self._session(DECODE), named_features(features[:count]) | named_summaries(summaries))[0]

    def check_local(self) -> None:
        if self.export.no_scene_context is not None:
            raise NetworkError(self.export.no_scene_context)

    def theoretical_halo(self) -> int:
        if self.export.theoretical_halo is None:
            raise NetworkError(f"{self.folder} does not know its theoretical halo; give a halo in pixels")
        return self.export.theoretical_halo

    def bytes_per_pixel(self) -> float | None:
        return self.export.bytes_per_pixel

    def free_memory(self) -> int:
        return available()

    def prepare(self, scene_context: bool, wait: bool = False) -> None:
        loading = [self._opening(name) for name in (self._parts() if scene_context else (WHOLE,))]
        if wait:
            for graph in loading:
                graph.result()

    def _parts(self) -> tuple[str, ...]:
        return (ENCODE, *((SUMMARISE,) if any(self.fields) else ()), DECODE)

    def _opening(self, name: str) -> Future[Any]:
        """A graph that is being loaded, in a thread."""
        if name not in self._sessions:
            precision: Precision = "fp32" if name == SUMMARISE else self.export.precision  # sums that are merged
            path, folder = self.folder / f"{name}.onnx", cache_of(self.digest)
            self._sessions[name] = self._loader.submit(SESSIONS[self._kind], path, precision, threads(), folder)
        return self._sessions[name]

    def _session(self, name: str) -> Any:
        return self._opening(name).result()


def load_graphs(folder: Path, kind: Kind | None = None) -> Graphs:
    """The graphs in a folder.

    Args:
        folder: Of an export.
        kind: What computes them. None: what `of_graphs` chooses.

    Raises:
        CheckpointError: The folder is no exported network, or its graphs are damaged.
        MissingPackageError: What computes them is not installed.
    """
    kind = kind or of_graphs()
    require(kind)
    card = read_export_card(folder)
    check_graphs(folder, card)
    return Graphs(folder, card, sha256(folder / CARD), kind)


def _run(session: Callable[[Mapping[str, Any]], list[Any]], inputs: Mapping[str, Any]) -> list[Any]:
    return session({name: np.ascontiguousarray(value, np.float32) for name, value in inputs.items()})


def named_features(features: Features) -> dict[str, Any]:
    """As the graphs name them: features1 at the smallest stride."""
    return {f"features{level}": array for level, array in enumerate(features, start=1)}


def named_summaries(summaries: Sequence[Summary]) -> dict[str, Any]:
    """As the graphs name them: summary1_0, ..."""
    levels = enumerate(summaries, start=1)
    return {f"summary{level}_{index}": part for level, summary in levels for index, part in enumerate(summary)}
