"""Bilinear enlargement."""

from torch import Tensor
from torch.nn.functional import interpolate


def enlarge(maps: Tensor, factor: float) -> Tensor:
    """(batch, channels, height, width) -> (batch, channels, factor * height, factor * width)."""
    return interpolate(maps, scale_factor=factor, mode="bilinear", align_corners=False)
