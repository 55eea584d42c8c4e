"""Attention with its gates closed: what a trained network loses without it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from manet.networks import Network


def kinds(network: Network) -> list[str]:
    """The kinds of gated attention in a network.

    Returns:
        'kernel' and 'channel' for MANet's blocks, 'attention' for one module per level; empty if there are no gates.
    """
    return list(_by_kind(network))


@contextmanager
def closed(network: Network, kind: str) -> Iterator[None]:
    """A context in which all gates of a kind are 0, so that its modules pass features on as they are.

    Args:
        network: Changed within the context, and as before after it.
        kind: One of `kinds`.
    """
    gates = _by_kind(network)[kind]
    kept = [gate.detach().clone() for gate in gates]
    with torch.no_grad():
        for gate in gates:
            gate.zero_()
        try:
            yield
        finally:
            for gate, value in zip(gates, kept, strict=True):
                gate.copy_(value)


def _by_kind(network: Network) -> dict[str, list[nn.Parameter]]:
    found: dict[str, list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        *_, module, leaf = ("", *name.split("."))
        if leaf == "gate":
            found.setdefault("attention" if module.isdecimal() else module, []).append(parameter)
    return found
