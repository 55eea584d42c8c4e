"""What is asked of the machine's memory."""

import subprocess
import sys

import pytest
import torch

from manet.machine import available, held_by_torch, physical

FAULTS = """
import resource, sys, torch
from manet.allocator import keep_freed
if sys.argv[1] == "kept":
    keep_freed()
for _ in range(20):  # until the heap has room for it: aligned blocks do not fit where the same was before
    torch.ones(25_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    torch.ones(25_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own")
def test_freed_blocks_are_kept() -> None:
    def faults(how: str) -> int:  # in a process of its own: how much a heap holds depends on what came before
        found = subprocess.run([sys.executable, "-c", FAULTS, how], check=True, capture_output=True, text=True)
        return int(found.stdout)

    assert faults("kept") < 0.1 * faults("as it is")


def test_the_most_that_is_held_counts() -> None:
    def run() -> torch.Tensor:
        a = torch.ones(500_000)  # 2 MB
        b = a + a
        del a
        return b[:1].clone()

    assert held_by_torch(run) == pytest.approx(4e6, rel=0.01)


def test_less_is_free_than_there_is() -> None:
    assert 0 < available() < physical()
