"""An exported network with the interface of the network it was made of."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from manet.attention import Place, Summary
from manet.card import Card
from manet.errors import ExportError, NetworkError
from manet.legend import Legend
from manet.networks.padding import pad_to_stride
from manet.runtime import onnxruntime, openvino
from manet.runtime.export_card import DECODE, ENCODE, SUMMARISE, WHOLE, ExportCard, Precision, read_export_card

FORMATS = {"onnx": onnxruntime, "openvino": openvino}
"""Each with `SUFFIX` and `Session(path, precision, threads)`."""

PACKAGES = {"onnx": "onnxruntime", "openvino": "openvino"}


class ExportedNetwork:
    """A network whose graphs another runtime runs on the CPU. Prediction takes it as it takes a `Network`.

    Graphs are loaded when they are first needed: the whole one for windows whose pixels are all valid, the parts for
    scene context and for windows with nodata. `refine` only keeps features and summaries together for `decode`, which
    is one graph with it.
    """

    def __init__(self, folder: Path, export: ExportCard) -> None:
        self.folder, self.export = folder, export
        self.stride = export.stride
        self.card: Card | None = export.network

    @property
    def legend(self) -> Legend:
        return self.export.network.legend

    @property
    def computes_in(self) -> str:
        """The number type that the processor computes in."""
        return self._whole.computes_in

    def to(self, device: torch.device) -> "ExportedNetwork":
        """Itself. Raises NetworkError for another device than the CPU."""
        if device.type != "cpu":
            raise NetworkError(f"{self.folder} runs on a CPU; got the device {device}; take --device cpu")
        return self

    def __call__(self, images: Tensor, valid: Tensor | None = None) -> Tensor:
        """images (batch, bands, height, width), valid (batch, 1, height, width) or None -> logits, any size."""
        height, width = images.shape[2:]
        images, valid = self.pad(images, valid)
        if valid is None:
            (logits,) = _run(self._whole, {"images": images})
        else:
            features = self.encode(images, valid)
            logits = self.decode(self.refine(features, self.summarise(features, valid)))
        return logits[..., :height, :width]

    def pad(self, images: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return pad_to_stride(images, valid, self.stride)

    def encode(self, images: Tensor, valid: Tensor | None = None) -> list[Tensor]:
        """As the network's."""
        return _run(self._encode, {"images": images, "valid": _given(valid, images)})

    def locate(self, place: Place | None) -> None:
        """Nothing: networks that must know are not exported for scene context."""

    def summarise(self, features: Sequence[Tensor], valid: Tensor | None = None) -> list[Summary]:
        """As the network's."""
        if not any(self.export.parts.summaries):
            return self.export.parts.nest([])
        if valid is None:
            first = features[0]
            stride = self.export.first_stride
            valid = first.new_ones(first.shape[0], 1, *(stride * length for length in first.shape[2:]))
        return self.export.parts.nest(_run(self._summarise, {**named_features(features), "valid": valid}))

    def merge(self, a: Sequence[Summary], b: Sequence[Summary]) -> list[Summary]:
        """As the network's, in the summaries' own number type: by the network's own code, which needs no weights."""
        return self._skeleton.merge(a, b)

    def refine(self, features: Sequence[Tensor], summaries: Sequence[Summary]) -> list[Tensor]:
        """What `decode` takes: the features, then the summaries' tensors."""
        return [*features, *(part.float() for summary in summaries for part in summary)]

    def decode(self, features: Sequence[Tensor]) -> Tensor:
        """Logits of what `refine` gave."""
        count = self.export.parts.features
        summaries = self.export.parts.nest(features[count:])
        return _run(self._decode, named_features(features[:count]) | named_summaries(summaries))[0]

    def check_local(self) -> None:
        """Raises NetworkError where scene context would not be exact."""
        if self.export.no_scene_context is not None:
            raise NetworkError(self.export.no_scene_context)

    def scale_energy(self, size: int | None) -> None:
        """Raises ExportError where it was exported with the other energy."""
        asked = "paper" if size is None else "training"
        if asked != self.export.energy:
            raise ExportError(
                f"{self.folder} was exported with --energy {self.export.energy}, not {asked}; "
                "ask for that, or export anew"
            )

    @cached_property
    def _skeleton(self) -> Any:
        from manet.networks import build

        settings = self.export.network.recipe.network
        with torch.device("meta"):
            return build(
                settings.name,
                encoder=settings.encoder,
                bands=len(self.export.network.bands),
                classes=len(self.export.network.legend),
            )

    def _session(self, name: str, precision: Precision) -> Callable[[Mapping[str, Any]], list[Any]]:
        form = FORMATS[self.export.format]
        return form.Session(self.folder / f"{name}{form.SUFFIX}", precision, torch.get_num_threads())

    @cached_property
    def _whole(self) -> Any:
        return self._session(WHOLE, self.export.precision)

    @cached_property
    def _encode(self) -> Any:
        return self._session(ENCODE, self.export.precision)

    @cached_property
    def _summarise(self) -> Any:
        return self._session(SUMMARISE, "fp32")  # sums that are merged

    @cached_property
    def _decode(self) -> Any:
        return self._session(DECODE, self.export.precision)


def load(folder: Path) -> ExportedNetwork:
    """Raises CheckpointError where a folder is no exported network, ExportError where its runtime is not installed."""
    export = read_export_card(folder)
    require(PACKAGES[export.format], export.format)
    return ExportedNetwork(folder, export)


def require(package: str, extra: str) -> None:
    """Raises ExportError where a package is not installed."""
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise ExportError(f"{package} is not installed; install it with: pip install 'manet[{extra}]'")


def _run(session: Callable[[Mapping[str, Any]], list[Any]], inputs: Mapping[str, Tensor]) -> list[Tensor]:
    outputs = session({name: value.float().contiguous().numpy() for name, value in inputs.items()})
    return [torch.from_numpy(output) for output in outputs]


def named_features(features: Sequence[Tensor]) -> dict[str, Tensor]:
    """As the graphs name them: features1 at the smallest stride."""
    return {f"features{level}": tensor for level, tensor in enumerate(features, start=1)}


def named_summaries(summaries: Sequence[Summary]) -> dict[str, Tensor]:
    """As the graphs name them: summary1_0, ..."""
    levels = enumerate(summaries, start=1)
    return {f"summary{level}_{index}": part for level, summary in levels for index, part in enumerate(summary)}


def _given(valid: Tensor | None, images: Tensor) -> Tensor:
    return torch.ones_like(images[:, :1]) if valid is None else valid
