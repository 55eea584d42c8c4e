"""Augmentation of patches: rotation, resizing, flips and noise (Li et al. 2021), and mosaics of four patches."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

from manet.legend import IGNORED
from manet.recipe import AugmentationSettings


@dataclass(frozen=True)
class Pose:
    """How a patch lies on its scene: it is turned, resized and then mirrored."""

    angle: float = 0.0
    """Degrees."""
    scale: float = 1.0
    """Pixels of the patch per pixel of the scene, along each axis."""
    flip_rows: bool = False
    flip_columns: bool = False

    def reach(self, size: int) -> int:
        """Height and width of the window of the scene that a patch of this size is cut from, pixels."""
        if self == Pose():
            return size
        turned = abs(math.cos(math.radians(self.angle))) + abs(math.sin(math.radians(self.angle)))
        return math.ceil(size / self.scale * (1.0 if self.angle % 90 == 0 else turned))


def draw_pose(settings: AugmentationSettings, generator: torch.Generator) -> Pose:
    """Draw a random pose.

    Scales are uniform in their logarithm, so that shrinking is as likely as enlarging.

    Args:
        settings: Which poses there are.
        generator: Decides which one it is.
    """
    turn, zoom, rows, columns = torch.rand(4, generator=generator).tolist()
    angles = {"none": 0.0, "right-angles": 90.0 * int(turn * 4), "any": 360.0 * turn}
    least, largest = (math.log(factor) for factor in settings.resize)
    return Pose(
        angle=angles[settings.rotation],
        scale=math.exp(least + zoom * (largest - least)),
        flip_rows=settings.flips and rows < 0.5,
        flip_columns=settings.flips and columns < 0.5,
    )


def apply_pose(values: Tensor, pose: Pose, size: int, *, smooth: bool) -> Tensor:
    """Put a window of the scene in a pose.

    Args:
        values: (channels, reach, reach), with the pose's reach.
        pose: How the patch lies on the scene.
        size: Height and width of the patch.
        smooth: Whether values are interpolated (bilinear); otherwise the nearest pixel counts.

    Returns:
        (channels, size, size)
    """
    if pose.angle % 90 == 0:
        values = values.rot90(round(pose.angle / 90), dims=(1, 2))
        if values.shape[1] != size:
            mode = InterpolationMode.BILINEAR if smooth else InterpolationMode.NEAREST_EXACT
            values = functional.resize(values, [size, size], interpolation=mode, antialias=smooth)
    else:
        values = _turn(values, pose, size, "bilinear" if smooth else "nearest")
    turned = [dim for dim, flip in ((1, pose.flip_rows), (2, pose.flip_columns)) if flip]
    return values.flip(turned) if turned else values


def _turn(values: Tensor, pose: Pose, size: int, mode: str) -> Tensor:
    """Rotate and resize in one interpolation; two would blur the image and fray the labels."""
    share = size / pose.scale / values.shape[1]
    cos, sin = (share * f(math.radians(pose.angle)) for f in (math.cos, math.sin))
    matrix = torch.tensor([[[cos, -sin, 0.0], [sin, cos, 0.0]]])
    grid = affine_grid(matrix, [1, len(values), size, size], align_corners=False)
    return grid_sample(values[None].float(), grid, mode, align_corners=False)[0].to(values.dtype)


def largest_share(labels: Tensor) -> float:
    """The share of the most frequent class among the labelled pixels, 0 to 1; 0 if nothing is labelled.

    Args:
        labels: uint8, any shape.
    """
    pixels = torch.bincount(labels.flatten(), minlength=IGNORED + 1)[:IGNORED]
    return (pixels.max() / pixels.sum().clamp(min=1)).item()


def mosaic(tensors: Sequence[Tensor], row: int, col: int) -> Tensor:
    """Put four tensors together so that they meet in one corner.

    Args:
        tensors: Four of (..., height, width): for the pixels above and left of the corner, above and right, below and
            left, below and right.
        row: The corner's row.
        col: The corner's column.

    Returns:
        (..., height, width)
    """
    above = torch.cat([tensors[0][..., :row, :col], tensors[1][..., :row, col:]], dim=-1)
    below = torch.cat([tensors[2][..., row:, :col], tensors[3][..., row:, col:]], dim=-1)
    return torch.cat([above, below], dim=-2)


def add_noise(image: Tensor, std: Tensor, settings: AugmentationSettings, generator: torch.Generator) -> Tensor:
    """Add noise to every pixel, and change the brightness by one factor and one shift for all bands.

    Args:
        image: (bands, height, width)
        std: Standard deviation of each band (bands,), the unit of noise and shift.
        settings: How strong they are.
        generator: Decides about both.
    """
    if settings.brightness:
        factor, shift = (torch.rand(2, generator=generator) * 2 - 1) * settings.brightness
        image = image * (1 + factor) + shift * std.view(-1, 1, 1)
    if settings.noise:
        image = image + torch.randn(image.shape, generator=generator) * settings.noise * std.view(-1, 1, 1)
    return image
