"""Bringing images of any height and width to what an encoder takes."""

from torch import Tensor
from torch.nn.functional import pad


def pad_to_stride(images: Tensor, valid: Tensor | None, stride: int) -> tuple[Tensor, Tensor | None]:
    """Pad at the bottom and right to multiples of the stride. The padding is invalid: it has no weight in sums.

    Args:
        images: (batch, bands, height, width).
        valid: (batch, 1, height, width); None: every pixel is valid.
        stride: Of the network.

    Returns:
        Images and valid of the new size; valid is None if it was and nothing had to be padded.
    """
    missing = [-size % stride for size in images.shape[2:]]
    if not any(missing):
        return images, valid
    if valid is None:
        valid = images.new_ones(images.shape[0], 1, *images.shape[2:])
    border = (0, missing[1], 0, missing[0])
    return pad(images, border), pad(valid, border)
