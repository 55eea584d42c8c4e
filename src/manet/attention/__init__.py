"""Modules that look at the whole map, one per file. Each cites its equation; `naive` has a twin written from it."""

from manet.attention.block import AttentionBlock
from manet.attention.cbam import BlockAttention
from manet.attention.channel import ChannelAttention
from manet.attention.dot_product import DotProductAttention
from manet.attention.efficient import EfficientAttention
from manet.attention.fast import FastAttention
from manet.attention.kernel import KernelAttention
from manet.attention.linear import LinearAttention
from manet.attention.squeeze_excitation import SqueezeExcitation
from manet.attention.summary_module import Place, Summary, SummaryModule

__all__ = [
    "AttentionBlock",
    "BlockAttention",
    "ChannelAttention",
    "DotProductAttention",
    "EfficientAttention",
    "FastAttention",
    "KernelAttention",
    "LinearAttention",
    "Place",
    "SqueezeExcitation",
    "Summary",
    "SummaryModule",
]
