"""What prediction asks of whoever computes a network: a few functions of arrays."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manet.errors import NetworkError
from manet.raster.windows import Place
from manet.summaries import SummaryField, merge_summary

Array = NDArray[np.generic]
Floats = NDArray[np.float32]
Valid = NDArray[np.float32] | NDArray[np.bool_] | NDArray[np.uint8]

Features = list[Any]
"""A map for each level, (batch, channels, height / stride, width / stride). They stay where they were computed: arrays,
or tensors on a device. Prediction slices them and asks for their `shape` and `nbytes`, nothing else."""

Summary = tuple[Array, ...]
"""What a module knows of the whole map: a few arrays whose size does not depend on the map's (batch first)."""


class Runtime(ABC):
    """Computes a network for images of any height and width.

    Images are (batch, bands, height, width) in the imagery's own values, float32; valid is (batch, 1, height, width), 1
    where a pixel counts and 0 where it does not, float32, bool or uint8, or None where all count.
    """

    stride: int
    """Of the coarsest features, pixels. `encode` takes heights and widths that are multiples of it."""

    fields: Sequence[Sequence[SummaryField]]
    """What the arrays of each level's summary are."""

    only_size: tuple[int, int] | None = None
    """The only height and width that `whole` takes, pixels; None where it takes any."""

    device_name: str = "cpu"
    """cpu, cuda or mps."""

    digest: str = ""
    """SHA-256 of the file that the network was loaded from; empty where it is of no file."""

    def prepare(self, scene_context: bool, wait: bool = False) -> None:  # noqa: B027 (a runtime may have nothing to do)
        """Begin to load what predictions need, in the background; `wait` until it is there."""

    @property
    @abstractmethod
    def description(self) -> str:
        """What computes, in which number type, where: "torch, float32, cpu"."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """torch, openvino or onnxruntime."""

    @property
    @abstractmethod
    def version(self) -> str:
        """What computes, with its version: "torch 2.11.0"."""

    @abstractmethod
    def whole(self, images: Floats, valid: Valid | None = None) -> Floats:
        """Logits (batch, classes, height, width)."""

    @abstractmethod
    def encode(self, images: Floats, valid: Valid | None = None) -> Features:
        """The features that `summarise` and `refine` take."""

    @abstractmethod
    def summarise(self, features: Features, valid: Valid | None = None, place: Place | None = None) -> list[Summary]:
        """Each level's summary, float64.

        Args:
            features: Of `encode`, or slices of them.
            valid: At the images' height and width.
            place: Where in a scene the features lie; None where they are all of it.
        """

    def merge(self, a: Sequence[Summary], b: Sequence[Summary]) -> list[Summary]:
        """The summaries of two disjoint parts of a scene together."""
        return [merge_summary(fields, x, y) for fields, x, y in zip(self.fields, a, b, strict=True)]

    @abstractmethod
    def refine(self, features: Features, summaries: Sequence[Summary], place: Place | None = None) -> Features:
        """The features that `decode` takes, given the summaries of the scene that they belong to."""

    @abstractmethod
    def decode(self, features: Features) -> Floats:
        """Logits (batch, classes, height, width) of refined features."""

    @abstractmethod
    def check_local(self) -> None:
        """Raises NetworkError where scene context would not be exact."""

    @abstractmethod
    def theoretical_halo(self) -> int:
        """The halo that no pixel outside can reach past, whatever the weights and the imagery, pixels.

        Raises NetworkError where it is not known.
        """

    @abstractmethod
    def bytes_per_pixel(self) -> float | None:
        """Memory that a pixel of a window takes at the peak; None where it is not known."""

    @abstractmethod
    def free_memory(self) -> int:
        """Bytes that are free for features where the network is computed."""

    def out_of_memory(self, error: Exception) -> bool:
        """Whether an error says that an accelerator has no memory left."""
        return False


def as_weights(valid: Valid, shape: Sequence[int]) -> Floats:
    """Which pixels count, as weights; bool and uint8, which masks of 0 and 255 have, are 1 where they are not 0.

    Args:
        valid: (batch, 1, height, width).
        shape: Of the images, whose batch, height and width it must have.

    Raises:
        NetworkError: It has another shape, or is of whole numbers of another type.
    """
    expected = (shape[0], 1, *shape[2:])
    if valid.shape != expected:
        raise NetworkError(f"got valid of shape {valid.shape}; expected {expected}, one value per pixel of each image")
    if valid.dtype in (np.bool_, np.uint8):
        return valid.astype(np.bool_).astype(np.float32)
    if not np.issubdtype(valid.dtype, np.floating):
        raise NetworkError(f"got valid of {valid.dtype}; expected floating point, bool or uint8: valid > 0")
    return valid.astype(np.float32, copy=False)


def pad_to_stride(images: Floats, valid: Floats | None, stride: int) -> tuple[Floats, Floats | None]:
    """Pad at the bottom and right to multiples of the stride. The padding is not valid: it has no weight in sums.

    Args:
        images: (batch, bands, height, width).
        valid: (batch, 1, height, width), or None where every pixel is valid.
        stride: Pixels.
    """
    missing = [-size % stride for size in images.shape[2:]]
    if not any(missing):
        return images, valid
    border = ((0, 0), (0, 0), (0, missing[0]), (0, missing[1]))
    return np.pad(images, border), np.pad(np.ones_like(images[:, :1]) if valid is None else valid, border)
