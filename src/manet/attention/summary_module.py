"""What every module that looks at the whole map has in common.

Attention here reads the map only through sums over positions, and sums merge. So a module is three functions:
`summarise`, `merge` and `attend`; `forward` is summarise, then attend. Invalid positions are left out of the sums, and
scenes larger than memory are merged from windows. Convolutions that come before the sums are a fourth function,
`prepare`, so that they are computed once.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from manet.errors import NetworkError
from manet.raster.windows import Place
from manet.summaries import SummaryField, merge_summary

Summary = tuple[Tensor, ...]
"""What a module knows of the whole map: a few tensors, batch first, whose size does not depend on the map's."""


class SummaryModule(nn.Module):
    """A module whose view of the whole map is a summary.

    Shapes: features (batch, channels, height, width); valid (batch, 1, height, width), the weight of each position in
    the sums, 0 to 1 (None: all 1); bool and uint8 are 1 where they are not 0. place: where in the map the features lie,
    in cells (None: they are the whole map); only modules that need it look at it.
    """

    fields: ClassVar[tuple[SummaryField, ...]] = ()
    """What the summary's tensors are, and how each is merged."""

    reach: ClassVar[int] = 0
    """By how many cells the module's own convolutions widen the view; the halo of a window grows by as many."""

    needs_place: ClassVar[bool] = False
    """Whether `summarise` and `attend` depend on where in the map the features lie."""

    @property
    def bounded(self) -> bool:
        """Whether the summary's size is independent of the map's, so that scenes of any size can be merged."""
        return all(field.merge != "concatenation" for field in self.fields)

    def prepare(self, features: Tensor) -> Tensor:
        """What `summarise` and `attend` take: the features, or what the module's first convolutions make of them."""
        return features

    def summarise(self, features: Tensor, valid: Tensor | None = None, place: Place | None = None) -> Summary:
        """The summary of these prepared features, in float32 or better."""
        raise NotImplementedError

    def merge(self, a: Summary, b: Summary) -> Summary:
        """The summary of two disjoint parts of a map together."""
        return merge_summary(self.fields, a, b, torch)

    def attend(self, features: Tensor, summary: Summary, place: Place | None = None) -> Tensor:
        """The module's output for these prepared features, given the summary of the map they belong to."""
        raise NotImplementedError

    def forward(self, features: Tensor, valid: Tensor | None = None) -> Tensor:
        """The module's output for a whole map."""
        features = self.prepare(features)
        return self.attend(features, self.summarise(features, valid))


def sum_dtype(features: Tensor) -> torch.dtype:
    """The type in which sums over positions are taken: float32, or float64 if the features are."""
    return torch.promote_types(features.dtype, torch.float32)


def flatten(features: Tensor, dtype: torch.dtype) -> Tensor:
    """(batch, channels, height, width) to (batch, channels, positions), of the given type."""
    return features.flatten(2).to(dtype)


def weights_of(valid: Tensor, dtype: torch.dtype) -> Tensor:
    """The weight of each position, (batch, 1, positions), of the given type; see `as_weights`."""
    return flatten(as_weights(valid), dtype)


def as_weights(valid: Tensor) -> Tensor:
    """`valid` as weights: bool and uint8, which masks of 0 and 255 have, are 1 where they are not 0.

    Raises:
        NetworkError: It is no tensor, or of whole numbers of another type.
    """
    if not isinstance(valid, Tensor):
        kind = f"{type(valid).__module__}.{type(valid).__name__}".removeprefix("builtins.")
        raise NetworkError(f"got valid as {kind}; expected a torch tensor, such as torch.from_numpy makes")
    if valid.dtype in (torch.bool, torch.uint8):
        return (valid > 0).float()
    if not valid.is_floating_point():
        name = str(valid.dtype).removeprefix("torch.")
        raise NetworkError(f"got valid of {name}; expected floating point, bool or uint8: valid.bool()")
    return valid


def in_full_precision(features: Tensor) -> torch.autocast:
    """A context in which autocast does not lower the precision of the sums."""
    return torch.autocast(features.device.type, enabled=False)


def tracing() -> bool:
    """Whether a graph is being traced, which will serve all sizes, and runtimes other than torch."""
    return torch.jit.is_tracing()  # type: ignore[attr-defined,no-any-return]
