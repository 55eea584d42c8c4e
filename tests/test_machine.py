"""What is asked of the machine's memory."""

import sys

import pytest
import torch

from manet.allocator import KEEP, SYSTEM, keep_freed
from manet.machine import available, held_by_torch, physical


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own")
def test_freed_blocks_are_kept() -> None:
    import resource

    def faults(thresholds: tuple[int, int]) -> int:
        keep_freed(thresholds)
        torch.ones(25_000_000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(5):
            torch.ones(25_000_000)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    try:
        assert faults(KEEP) < 0.1 * faults(SYSTEM)
    finally:
        keep_freed(SYSTEM)


def test_the_most_that_is_held_counts() -> None:
    def run() -> torch.Tensor:
        a = torch.ones(500_000)  # 2 MB
        b = a + a
        del a
        return b[:1].clone()

    assert held_by_torch(run) == pytest.approx(4e6, rel=0.01)


def test_less_is_free_than_there_is() -> None:
    assert 0 < available() < physical()
