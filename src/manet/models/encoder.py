"""Encoders: any timm network with features at strides 4, 8, 16 and 32."""

import difflib
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from manet.errors import NetworkError

STRIDES = (4, 8, 16, 32)


class Encoder(nn.Module):
    """A timm feature extractor that gives its maps at strides 4, 8, 16 and 32.

    images (batch, bands, height, width), height and width multiples of 32
    -> four features (batch, channels[k], height / strides[k], width / strides[k]).
    """

    def __init__(self, name: str, bands: int) -> None:
        """Raises NetworkError where timm does not know the name, or where it has no map at one of the strides."""
        super().__init__()
        self.name = name
        self.body = _feature_extractor(name, bands)
        info: Any = self.body.feature_info
        reductions = info.reduction()
        if missing := [stride for stride in STRIDES if stride not in reductions]:
            raise NetworkError(
                f"encoder '{name}' has features at strides {reductions}, none at {missing}; "
                "choose one with strides 4, 8, 16 and 32, such as resnet18 or convnext_tiny"
            )
        # the last map at a stride is the one behind all blocks of that stride
        self.levels = [len(reductions) - 1 - reductions[::-1].index(stride) for stride in STRIDES]
        self.channels = [info.channels()[level] for level in self.levels]
        self.channels_last = str(getattr(self.body, "output_fmt", "NCHW")).endswith("NHWC")

    def forward(self, images: Tensor) -> list[Tensor]:
        maps = self.body(images)
        features = [maps[level] for level in self.levels]
        return [f.permute(0, 3, 1, 2) for f in features] if self.channels_last else features


def load_weights(encoder: Encoder, source: str) -> None:
    """Put pretrained weights into an encoder; the first convolution is adapted to its number of bands by timm.

    source: "hub" (timm's, over the network) or a local file of the classifier's weights (.safetensors, .pth, .bin).
    Raises NetworkError where they cannot be had or do not fit.
    """
    bands = next(encoder.body.parameters()).shape[1]
    overlay = None if source == "hub" else {"file": source}
    if overlay and not Path(source).is_file():
        raise NetworkError(f"no weights at {source}; give a file of timm's weights for '{encoder.name}', or 'hub'")
    try:
        donor = _feature_extractor(encoder.name, bands, pretrained=True, pretrained_cfg_overlay=overlay)
    except Exception as error:  # the hub, the file system and timm raise many kinds
        raise NetworkError(
            f"weights of '{encoder.name}' could not be had from {source}: {_first_line(error)}; "
            "give a local file of its weights, or leave them out"
        ) from error
    encoder.body.load_state_dict(donor.state_dict())


def _feature_extractor(name: str, bands: int, **options: Any) -> nn.Module:
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "timm.list_models() lists them"
        raise NetworkError(f"timm has no encoder '{name}'; {hint}")
    try:
        return timm.create_model(name, features_only=True, in_chans=bands, **options)
    except (RuntimeError, AttributeError, NotImplementedError, AssertionError, TypeError) as error:
        if options:
            raise
        raise NetworkError(f"encoder '{name}' gives no features: {_first_line(error)}; choose another") from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def shrink_valid(valid: Tensor, stride: int) -> Tensor:
    """The share of valid pixels in each cell at this stride, (batch, 1, height / stride, width / stride)."""
    return torch.nn.functional.avg_pool2d(valid, stride)
