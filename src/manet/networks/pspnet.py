"""PSPNet: pyramid pooling at stride 8. Zhao et al. 2017, Fig. 3."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from manet.attention import Place, Summary, SummaryModule
from manet.attention.convolution import ConvBlock
from manet.attention.pooling import PooledNorm
from manet.attention.summary_module import in_full_precision, sum_dtype
from manet.networks.encoder import Encoder
from manet.networks.fcn import Unrefined
from manet.networks.network import Auxiliary, Network
from manet.networks.resize import enlarge
from manet.summaries import SummaryField

OUTPUT_STRIDE = 8
BINS = (1, 2, 3, 6)


class PyramidPooling(SummaryModule):
    """PPM: the features, and means over 1, 4, 9 and 36 regions of the map, each by 1x1 to a quarter of the channels.

    features (batch, channels, height, width) -> (batch, channels / 4, height, width), by a 3x3 over all of it.
    Region i of n along a side of L cells is [floor(i L / n), ceil((i + 1) L / n)). The means are laid over the map
    bilinearly, those of the outer regions at its edges. Which regions a window meets depends on its place.
    Summary: for each n, the sums over the regions (batch, channels, n, n) and their weights (batch, 1, n, n).
    """

    reach: ClassVar[int] = 1
    needs_place: ClassVar[bool] = True

    fields: ClassVar = tuple(SummaryField(f"{name}{bins}") for bins in BINS for name in ("sum", "weight"))

    def __init__(self, channels: int) -> None:
        super().__init__()
        quarter = max(channels // 4, 1)
        self.branches = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(channels, quarter, 1, bias=False), PooledNorm(quarter), nn.ReLU(inplace=True))
                for _ in BINS
            ]
        )
        self.fusion = ConvBlock(channels + len(BINS) * quarter, quarter, 3)

    def summarise(self, features: Tensor, valid: Tensor | None = None, place: Place | None = None) -> Summary:
        dtype = sum_dtype(features)
        place = place or Place(0, 0, *features.shape[2:])
        with in_full_precision(features):
            x = features.to(dtype)
            weights = torch.ones_like(x[:, :1]) if valid is None else valid.to(dtype)
            summary = []
            for bins in BINS:
                rows = _regions(bins, place.height, place.row, x.shape[2]).to(x)
                cols = _regions(bins, place.width, place.col, x.shape[3]).to(x)
                for summed in (x * weights, weights):
                    summary.append(torch.einsum("bchw,ih,jw->bcij", summed, rows, cols))
            return tuple(summary)

    def attend(self, features: Tensor, summary: Summary, place: Place | None = None) -> Tensor:
        dtype = sum_dtype(features)
        place = place or Place(0, 0, *features.shape[2:])
        parts = [features]
        for bins, branch, total, weight in zip(BINS, self.branches, summary[::2], summary[1::2], strict=True):
            mean = total.to(dtype) / torch.where(weight > 0, weight, 1).to(dtype)
            pooled = branch(mean.to(features.dtype))
            rows = _between(bins, place.height, place.row, features.shape[2]).to(pooled)
            cols = _between(bins, place.width, place.col, features.shape[3]).to(pooled)
            parts.append(torch.einsum("bcij,hi,wj->bchw", pooled, rows, cols))
        return self.fusion(torch.cat(parts, dim=1))


def _regions(bins: int, length: int, first: int, size: int) -> Tensor:
    """1 where cell first + c of a side of `length` cells is in region b, (bins, size)."""
    cell, region = torch.arange(first, first + size), torch.arange(bins).unsqueeze(1)
    return (cell >= region * length // bins) & (cell < -(-(region + 1) * length // bins))


def _between(bins: int, length: int, first: int, size: int) -> Tensor:
    """The share of region b in cell first + c, with the outer regions centred on the outer cells, (size, bins)."""
    at = torch.arange(first, first + size, dtype=torch.float64) * (bins - 1) / max(length - 1, 1)
    return (1 - (at.unsqueeze(1) - torch.arange(bins)).abs()).clamp(min=0)


class PSPHead(nn.Module):
    """Dropout, 1x1 convolution to the classes, enlarged to the size of the images."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.Dropout2d(0.1), nn.Conv2d(channels, classes, 1))

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        return enlarge(self.head(features[-1]), OUTPUT_STRIDE)


class DeepSupervision(Auxiliary):
    """A head on the third feature; its loss has weight 0.4. Zhao et al. 2017, Fig. 4."""

    weight = 0.4

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        middle = max(channels // 4, 1)
        self.head = nn.Sequential(ConvBlock(channels, middle, 3), nn.Dropout2d(0.1), nn.Conv2d(middle, classes, 1))

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        return [enlarge(self.head(features[2]), OUTPUT_STRIDE)]


def pspnet(encoder: Encoder, bands: int, classes: int) -> Network:
    """The pyramid scene parsing network, with its auxiliary loss."""
    *_, third, deep = encoder.channels
    refiners = [Unrefined(), Unrefined(), Unrefined(), PyramidPooling(deep)]
    decoder, auxiliary = PSPHead(max(deep // 4, 1), classes), DeepSupervision(third, classes)
    return Network(encoder, refiners, decoder, bands, classes, auxiliary=auxiliary)
