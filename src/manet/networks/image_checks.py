"""What is given to a network, checked once before anything is computed: shapes and types, and whether values fit."""

import warnings

import torch
from torch import Tensor

from manet.attention.summary_module import as_weights, tracing
from manet.errors import NetworkError, StatisticsWarning

STANDARDISED = 20.0
"""Standardised imagery has hardly any value beyond this."""

SCALED = 1.5
"""Imagery scaled to values between 0 and 1 has none beyond this, even where it was resampled."""

UNSCALED = 10.0
"""A band's mean plus its deviation is beyond this in imagery of 8 bits or more."""

SAMPLES = 32
"""About so many rows and columns of every image are looked at."""


def check_images(
    images: Tensor, valid: Tensor | None, bands: int, weights: torch.dtype
) -> tuple[Tensor, Tensor | None]:
    """Check what a network is given.

    Args:
        images: Expected are floating-point images (batch, bands, height, width).
        valid: Expected is (batch, 1, height, width), floating point, bool or uint8, or None.
        bands: Number of bands that the network takes.
        weights: Type that the network computes in.

    Returns:
        The images, and valid as floating point.

    Raises:
        NetworkError: Anything is not as expected; the message says what was got, what is expected and what to do.
    """
    _check_tensor("images", images)
    shape = tuple(images.shape)
    if images.ndim != 4:
        advice = "; add the batch axis: images[None]" if images.ndim == 3 else ""
        raise NetworkError(f"got images of shape {shape}; expected (batch, {bands}, height, width){advice}")
    if not images.is_floating_point():
        raise NetworkError(
            f"got images of {_name(images.dtype)}; expected floating point, in the imagery's own values: images.float()"
        )
    if images.dtype == torch.float64 and weights != torch.float64:
        raise NetworkError(f"got images of float64; expected {_name(weights)} as the weights: images.float()")
    if shape[1] != bands:
        last = "; bring the bands to the second axis: images.permute(0, 3, 1, 2)" if shape[3] == bands else ""
        raise NetworkError(f"got images of shape {shape}, {shape[1]} bands; the network takes {bands} bands{last}")
    return images, None if valid is None else check_valid(valid, images.shape[0], *images.shape[2:])


def check_valid(valid: Tensor, batch: int, height: int, width: int) -> Tensor:
    """Which pixels count, as weights.

    Args:
        valid: Floating point, bool or uint8.
        batch: Of the images, like height and width.
        height: Pixels.
        width: Pixels.

    Raises:
        NetworkError: It has another shape or type.
    """
    weights = as_weights(valid)
    if not tracing() and tuple(valid.shape) != (batch, 1, height, width):
        raise NetworkError(
            f"got valid of shape {tuple(valid.shape)}; expected {(batch, 1, height, width)}, one value per pixel of "
            "each image"
        )
    return weights


def _check_tensor(what: str, given: object) -> None:
    if not isinstance(given, Tensor):
        kind = f"{type(given).__module__}.{type(given).__name__}".removeprefix("builtins.")
        raise NetworkError(f"got {what} as {kind}; expected a torch tensor, such as torch.from_numpy makes")


def warn_of_values(images: Tensor, valid: Tensor | None, mean: Tensor, std: Tensor) -> None:
    """Warn of imagery that the band statistics do not belong to, judged by a sample of its valid pixels.

    Issues a StatisticsWarning where a network without statistics (mean 0, deviation 1) is given imagery that is not
    standardised, and where imagery scaled to values between 0 and 1 is given to a network of unscaled imagery.

    Args:
        images: (batch, bands, height, width).
        valid: (batch, 1, height, width); None: every pixel is valid.
        mean: Of each band, that the network standardises by, (bands,).
        std: Standard deviation of each band, (bands,).
    """
    if not _has_values(images):
        return
    rows, cols = (max(length // SAMPLES, 1) for length in images.shape[2:])
    sample = images.detach()[..., ::rows, ::cols]
    if valid is not None:
        sample = torch.where(valid[..., ::rows, ::cols] > 0, sample, 0)
    if not sample.numel():
        return
    largest, fractions = sample.abs().amax(), (sample != sample.round()).any()
    unset, level = (mean.abs() + (std - 1).abs()).amax() == 0, (mean + std).amax()
    # one wait for a GPU
    largest, fractions, unset, level = torch.stack([x.float() for x in (largest, fractions, unset, level)]).tolist()
    # the words are the same for all imagery, so that Python shows each warning once per place
    if unset and largest > STANDARDISED:
        warnings.warn(
            f"the network standardises by mean 0 and deviation 1, but was given imagery with values beyond "
            f"{STANDARDISED:g}; call set_statistics with the mean and the standard deviation of each band",
            StatisticsWarning,
            stacklevel=6,
        )
    # black 8-bit imagery has small values too, but whole ones
    if level > UNSCALED and largest <= SCALED and fractions:
        warnings.warn(
            f"the network's band statistics are of imagery with values of about {level:.3g}, but it was given values "
            f"of at most {SCALED:g}, as if they were scaled to between 0 and 1; give it the imagery's own values",
            StatisticsWarning,
            stacklevel=6,
        )


def _has_values(images: Tensor) -> bool:
    """Whether the values are there to be looked at: not in graphs that are made, nor where tensors have only shapes."""
    if tracing() or torch.compiler.is_compiling() or type(images) is not Tensor or images.is_meta:
        return False
    return not (images.is_cuda and torch.cuda.is_current_stream_capturing())


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
