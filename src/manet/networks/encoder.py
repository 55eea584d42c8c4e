"""Encoders: any timm network with features at strides 4, 8, 16 and 32."""

import difflib
import re
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from manet.errors import NetworkError
from manet.networks.pretrained import imagenet_weights

STRIDES = (4, 8, 16, 32)
"""Strides of an encoder's four features; a dilated encoder stops at its output stride, as in (4, 8, 8, 8)."""


class Encoder(nn.Module):
    """A timm feature extractor that returns its maps at strides 4, 8, 16 and 32, or stops at a smaller output stride.

    images (batch, bands, height, width), height and width multiples of the output stride
    -> four features (batch, channels[k], height / strides[k], width / strides[k]).
    """

    def __init__(self, name: str, bands: int, output_stride: int = 32, drop_path: float = 0.0) -> None:
        """Build an encoder with random weights.

        Args:
            name: Of a timm network.
            bands: Number of bands of the images.
            output_stride: 32, or 16 or 8, for which the last blocks are dilated instead of strided.
            drop_path: How often the last block is skipped in training, 0 to 1; earlier ones less, in proportion (Huang
                et al. 2016).

        Raises:
            NetworkError: timm does not know the name, or the network has no map at one of the strides or cannot be
                dilated.
        """
        super().__init__()
        self.name = name
        self.strides = tuple(min(stride, output_stride) for stride in STRIDES)
        self.body = _feature_extractor(name, bands, output_stride, drop_path)
        info: Any = self.body.feature_info
        self.levels = _levels(name, info.reduction(), self.strides)
        self.channels = [info.channels()[level] for level in self.levels]
        self.channels_last = str(getattr(self.body, "output_fmt", "NCHW")).endswith("NHWC")

    def forward(self, images: Tensor) -> list[Tensor]:
        maps = self.body(images)
        features = [maps[level] for level in self.levels]
        return [f.permute(0, 3, 1, 2) for f in features] if self.channels_last else features


def load_weights(encoder: Encoder, source: str) -> None:
    """Put pretrained weights into an encoder. timm adapts the first convolution to the number of bands.

    Args:
        encoder: Is changed in place.
        source: "imagenet" (from an installed package), "hub" (timm's weights, downloaded) or a local file of the
            classifier's weights (.safetensors, .pth, .bin).

    Raises:
        NetworkError: The weights are not available or do not fit.
    """
    bands = next(encoder.body.parameters()).shape[1]
    if source == "imagenet":
        weights = imagenet_weights(encoder.name, bands)
        encoder.body.load_state_dict({name: weights[name] for name in encoder.body.state_dict()})
        return
    overlay = None if source == "hub" else {"file": source}
    if overlay and not Path(source).is_file():
        raise NetworkError(
            f"no weights at {source}; give a file of timm's weights for '{encoder.name}', 'imagenet' or 'hub'"
        )
    try:
        options = {"pretrained": True, "pretrained_cfg_overlay": overlay}
        donor = _feature_extractor(encoder.name, bands, max(encoder.strides), **options)
    except Exception as error:  # the hub, the file system and timm raise many kinds
        raise NetworkError(
            f"the weights of '{encoder.name}' could not be loaded from {source}: {_first_line(error)}; "
            "give a local file of its weights, or none"
        ) from error
    encoder.body.load_state_dict(donor.state_dict())


GLOBAL = re.compile(
    r"SqueezeExcite|SEModule|EffectiveSE|^SE$|SELayer|GlobalResponseNorm|GlobalContext|GatherExcite|EcaModule|CecaModule|"
    r"CbamModule|ChannelAttn|Attention|Attn|Pool2d.*Adaptive|AdaptiveAvgPool|NonLocal|SelectiveKernel|SplitAttn|Involution"
)
"""Names of timm's modules that read the whole image, or, as windowed attention, depend on where its grid begins."""


def global_operations(encoder: Encoder) -> list[str]:
    """The class names of the modules in an encoder that read the whole image; none in plain convolutional networks."""
    kinds = {type(module).__name__ for module in encoder.body.modules()}
    return sorted(kind for kind in kinds if GLOBAL.search(kind))


def _levels(name: str, reductions: list[int], strides: tuple[int, ...]) -> list[int]:
    """Which of the maps have these strides; for each stride the last one, which is behind all blocks of that stride."""
    levels, end = [], len(reductions)
    for stride in reversed(strides):
        end = max((level for level in range(end) if reductions[level] == stride), default=-1)
        if end < 0:
            raise NetworkError(
                f"encoder '{name}' has features at strides {reductions}; expected {list(strides)} among them: choose "
                "another, such as resnet18, resnet50 or convnext_tiny"
            )
        levels.append(end)
    return levels[::-1]


def _feature_extractor(name: str, bands: int, output_stride: int, drop_path: float = 0.0, **options: Any) -> nn.Module:
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "timm.list_models() lists them"
        raise NetworkError(f"timm has no encoder '{name}'; {hint}")
    dilated = {} if output_stride == max(STRIDES) else {"output_stride": output_stride}
    dropping = {"drop_path_rate": drop_path} if drop_path else {}
    try:
        return timm.create_model(name, features_only=True, in_chans=bands, **dilated, **dropping, **options)
    except (RuntimeError, AttributeError, NotImplementedError, AssertionError, TypeError) as error:
        if options:
            raise
        if dropping and "drop_path_rate" in str(error):
            raise NetworkError(f"encoder '{name}' has no stochastic depth; leave network.drop_path at 0") from error
        if dilated:
            raise NetworkError(
                f"encoder '{name}' cannot be dilated to give features at stride {output_stride}, as this network "
                "needs; choose one that can, such as resnet18, resnet50, convnext_tiny or efficientnet_b0"
            ) from error
        raise NetworkError(f"encoder '{name}' has no features: {_first_line(error)}; choose another") from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def shrink_valid(valid: Tensor, stride: int) -> Tensor:
    """The share of valid pixels in each cell at this stride, (batch, 1, height / stride, width / stride)."""
    return torch.nn.functional.avg_pool2d(valid, stride)
