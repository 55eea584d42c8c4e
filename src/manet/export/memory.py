"""How much memory a window takes while graphs compute it, so that windows can be fitted to memory.

It is measured in a process of its own, `python -m manet.export.memory FOLDER`: this one has taken more already.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np

from manet.machine import peak_memory, reset_peak_memory
from manet.runtime.graphs import Graphs, load_graphs

SIDES = 256, 768
"""Height and width of the images that memory is measured with, pixels."""


def measure_bytes_per_pixel(folder: Path) -> float | None:
    """The bytes by which the peak grows with every pixel of a window, in the parts of scene context.

    Args:
        folder: Of graphs and their card.

    Returns:
        None where the system does not tell.
    """
    done = subprocess.run([sys.executable, "-m", __name__, str(folder)], capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 and done.stdout.strip() else None


def _peak(graphs: Graphs, side: int) -> int | None:
    images = np.zeros((1, len(graphs.export.network.bands), side, side), np.float32)
    reset_peak_memory()
    for _ in range(3):  # shapes that come again get a graph of their own
        features = graphs.encode(images)
        graphs.decode(graphs.refine(features, graphs.summarise(features)))
    return peak_memory()


if __name__ == "__main__":
    small, large = (_peak(load_graphs(Path(sys.argv[1])), side) for side in SIDES)
    if small is not None and large is not None and large > small:
        sys.stdout.write(str((large - small) / (SIDES[1] ** 2 - SIDES[0] ** 2)))
