"""The attention block: kernel and channel attention side by side. Li et al. 2021, Fig. 3."""

from typing import ClassVar

from torch import Tensor

from manet.attention.channel import ChannelAttention
from manet.attention.kernel import KernelAttention
from manet.attention.summary_module import Place, Summary, SummaryModule


class AttentionBlock(SummaryModule):
    """KAM(X) + CAM(X), each a residual with its own gate: (X + g1 * kam) + (X + g2 * cam).

    Summary: the kernel attention's two tensors, then the channel attention's energy.
    """

    fields: ClassVar = (*KernelAttention.fields, *ChannelAttention.fields)

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.kernel = KernelAttention(channels)
        self.channel = ChannelAttention()

    def summarise(self, features: Tensor, valid: Tensor | None = None, place: Place | None = None) -> Summary:
        return self.kernel.summarise(features, valid) + self.channel.summarise(features, valid)

    def attend(self, features: Tensor, summary: Summary, place: Place | None = None) -> Tensor:
        return self.kernel.attend(features, summary[:2]) + self.channel.attend(features, summary[2:])
