"""The levels of a pyramid: features of one width, with attention to the whole map. A variant of this project."""

from typing import ClassVar

from torch import Tensor, nn

from manet.attention.kernel import KernelAttention
from manet.attention.mean_channel import MeanChannelAttention
from manet.attention.summary_module import Place, Summary, SummaryModule

GATE = 0.5
"""Where the gates start."""


class Lateral(SummaryModule):
    """1x1 convolution and batch norm to `width` channels. Summary: nothing."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.project = nn.Sequential(nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width))

    def prepare(self, features: Tensor) -> Tensor:
        return self.project(features)

    def summarise(self, features: Tensor, valid: Tensor | None = None, place: Place | None = None) -> Summary:
        return ()

    def attend(self, features: Tensor, summary: Summary, place: Place | None = None) -> Tensor:
        return features


class LateralAttention(Lateral):
    """A lateral Y with one residual for both attentions, whose gates start open: Y + g1 * kam(Y) + g2 * cam(Y).

    Summary: the kernel attention's two tensors, then the channel attention's two.
    """

    fields: ClassVar = (*KernelAttention.fields, *MeanChannelAttention.fields)

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(channels, width)
        self.kernel = KernelAttention(width, GATE)
        self.channel = MeanChannelAttention(GATE)

    def summarise(self, features: Tensor, valid: Tensor | None = None, place: Place | None = None) -> Summary:
        return self.kernel.summarise(features, valid) + self.channel.summarise(features, valid)

    def attend(self, features: Tensor, summary: Summary, place: Place | None = None) -> Tensor:
        # each of them adds the features
        return self.kernel.attend(features, summary[:2]) + self.channel.attend(features, summary[2:]) - features
