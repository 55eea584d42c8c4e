"""What is asked of the machine's memory."""

import subprocess
import sys

import pytest
import torch

from manet.machine import available, physical
from manet.runtime.pytorch import held_by_torch

FAULTS = """
import resource, sys, torch
from manet.machine import keep_freed
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


PEAK = """
from manet.machine import peak_memory, reset_peak_memory
before = reset_peak_memory()
block = bytearray(b"1") * 100_000_000
print(peak_memory() - before - len(block))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell")
def test_the_peak_of_this_process() -> None:
    # in a process of its own: where the peak cannot be reset, what came before would count
    found = subprocess.run([sys.executable, "-c", PEAK], check=True, capture_output=True, text=True)
    assert abs(int(found.stdout)) < 20e6


def test_no_torch_for_the_machine() -> None:
    code = "import sys, manet.machine; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "False"
