"""Attention with its gates closed: what a trained network loses without it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from manet.models import Network


def kinds(network: Network) -> list[str]:
    """Of its gated attention: 'kernel' and 'channel' of MANet's blocks, 'attention' where a level has one module."""
    return list(dict.fromkeys(_kind(name) for name, _ in network.named_parameters() if name.endswith(".gate")))


@contextmanager
def closed(network: Network, kind: str) -> Iterator[None]:
    """Within, all gates of a kind are 0, so that its modules pass features on as they are."""
    gates = [gate for name, gate in network.named_parameters() if name.endswith(".gate") and _kind(name) == kind]
    kept = [gate.detach().clone() for gate in gates]
    with torch.no_grad():
        for gate in gates:
            gate.zero_()
        try:
            yield
        finally:
            for gate, value in zip(gates, kept, strict=True):
                gate.copy_(value)


def _kind(gate: str) -> str:
    module = gate.removesuffix(".gate").rpartition(".")[2]
    return "attention" if module.isdecimal() else module
