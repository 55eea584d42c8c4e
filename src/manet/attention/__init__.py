"""Modules that look at the whole map, one a file: each cites its equation and has a `naive` twin written from it."""

from manet.attention.block import AttentionBlock
from manet.attention.channel import ChannelAttention
from manet.attention.dot_product import DotProductAttention
from manet.attention.kernel import KernelAttention
from manet.attention.map_module import MapModule, Summary

__all__ = ["AttentionBlock", "ChannelAttention", "DotProductAttention", "KernelAttention", "MapModule", "Summary"]
