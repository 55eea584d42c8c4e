"""A network cut into graphs: the whole, and its parts for scene context and for images with nodata."""

import copy
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from manet.networks import Network
from manet.runtime.export_card import Parts


@dataclass(frozen=True)
class Graph:
    """A function of tensors, traced: for every batch, height and width, the latter multiples of the stride."""

    name: str
    traced: torch.jit.ScriptModule
    examples: tuple[Tensor, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    changing: dict[str, tuple[int, ...]]
    """Of each input and output, the axes whose length changes from call to call."""


class _Whole(nn.Module):
    def __init__(self, network: Network, parts: Parts) -> None:
        super().__init__()
        self.network, self.parts = network, parts


class Whole(_Whole):
    """images -> logits, every pixel valid."""

    def forward(self, images: Tensor) -> Tensor:
        features = self.network.encode(images)
        return self.network.decode(self.network.refine(features, self.network.summarise(features)))


class Encode(_Whole):
    """images, valid -> the features of each level."""

    def forward(self, images: Tensor, valid: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.network.encode(images, valid))


class Summarise(_Whole):
    """The features of each level, and valid at the images' size -> the tensors of all summaries."""

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        *features, valid = inputs
        return tuple(part for summary in self.network.summarise(features, valid) for part in summary)


class Decode(_Whole):
    """The features of each level, and the tensors of all summaries -> logits."""

    def forward(self, *inputs: Tensor) -> Tensor:
        features, summaries = inputs[: self.parts.features], inputs[self.parts.features :]
        return self.network.decode(self.network.refine(features, self.parts.nest(summaries)))


@torch.no_grad()
def graphs(network: Network, example: Tensor) -> tuple[Parts, Iterator[Graph]]:
    """The graphs of a network in evaluation mode, traced one after the other.

    example: images (batch, bands, height, width), height and width multiples of the stride.
    """
    network = folded(network)
    valid = (example[:, :1] > example.mean()).to(example.dtype)
    features = network.encode(example, valid)
    summaries = network.summarise(features, valid)
    parts = Parts(features=len(features), summaries=tuple(network.summary_fields))
    flat = [part for summary in summaries for part in summary]
    feature_names = tuple(f"features{level}" for level in range(1, len(features) + 1))
    summary_names = tuple(
        f"summary{level}_{index}"
        for level, fields in enumerate(parts.summaries, start=1)
        for index in range(len(fields))
    )
    in_space = (0, 2, 3)
    changing = dict.fromkeys(("images", "valid", "logits", *feature_names), in_space) | {
        name: (0,) if network.bounded else tuple(range(part.ndim))
        for name, part in zip(summary_names, flat, strict=True)
    }

    def trace(kind: type[_Whole], examples: Sequence[Tensor], inputs: Sequence[str], outputs: Sequence[str]) -> Graph:
        with quiet(), torch.no_grad():
            traced = torch.jit.trace(kind(network, parts).eval(), tuple(examples), check_trace=False)
        assert isinstance(traced, torch.jit.ScriptModule)
        axes = {name: changing[name] for name in (*inputs, *outputs)}
        return Graph(kind.__name__.lower(), traced, tuple(examples), tuple(inputs), tuple(outputs), axes)

    def each() -> Iterator[Graph]:
        yield trace(Whole, [example], ["images"], ["logits"])
        yield trace(Encode, [example, valid], ["images", "valid"], feature_names)
        if flat:
            yield trace(Summarise, [*features, valid], [*feature_names, "valid"], summary_names)
        yield trace(Decode, [*features, *flat], [*feature_names, *summary_names], ["logits"])

    return parts, each()


def folded(network: Network) -> Network:
    """A copy whose batch norms in sequences are part of the convolutions before them: the same function.

    Exporters fold those of the encoder, but none behind a transposed convolution.
    """
    network = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
    for module in network.modules():
        if isinstance(module, nn.Sequential):
            for index, (before, norm) in enumerate(pairwise(list(module))):
                if isinstance(before, nn.Conv2d | nn.ConvTranspose2d) and isinstance(norm, nn.BatchNorm2d):
                    transposed = isinstance(before, nn.ConvTranspose2d)
                    module[index] = fuse_conv_bn_eval(before, norm, transpose=transposed)
                    module[index + 1] = nn.Identity()
    return network


@contextmanager
def quiet() -> Iterator[None]:
    """Without what tracing says of itself: that it is old, and that Python values become constants.

    Whether a graph serves other sizes than the traced one is measured after it is written.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
