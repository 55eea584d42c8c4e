"""Kernel attention, folded against the authors' order of operations: time, side by side in one interleaved run.

python benchmarks/attention.py [--rounds 15] [--json FILE]
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from manet.attention.kernel import KernelAttention, published

LEVELS = ((256, 128), (512, 64), (1024, 32), (2048, 16))
"""Channels, and height and width, of ResNet-50's four features of a 512 x 512 image."""


def time_once(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def compare(channels: int, size: int, rounds: int, backward: bool) -> dict[str, object]:
    """Median seconds of both, and the median and quartiles of the ratio of neighbouring runs."""
    module = KernelAttention(channels)
    torch.nn.init.constant_(module.gate, 0.7)
    features = torch.randn(1, channels, size, size, requires_grad=backward)

    def run(forward: Callable[[torch.Tensor], torch.Tensor]) -> None:
        with torch.set_grad_enabled(backward):
            out = forward(features)
            if backward:
                out.sum().backward()

    with torch.no_grad():
        ours, theirs = module(features), published(module, features)
        agreement = ((ours - theirs).abs().max() / theirs.abs().max()).item()
    times: dict[str, list[float]] = {"folded": [], "published": []}
    for round_ in range(rounds + 2):
        pair = {"folded": module, "published": lambda x: published(module, x)}
        measured = {name: time_once(lambda f=forward: run(f)) for name, forward in pair.items()}
        if round_ >= 2:  # the first runs warm the caches
            for name, seconds in measured.items():
                times[name].append(seconds)
    ratios = [p / f for p, f in zip(times["published"], times["folded"], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return {
        "channels": channels,
        "size": size,
        "pass": "forward and backward" if backward else "forward",
        "folded_s": statistics.median(times["folded"]),
        "published_s": statistics.median(times["published"]),
        "ratio": middle,
        "ratio_quartiles": [low, high],
        "largest_relative_difference": agreement,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = [compare(c, s, arguments.rounds, backward) for backward in (False, True) for c, s in LEVELS]
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    capability = torch.backends.cpu.get_cpu_capability()
    table = Table(
        title="kernel attention, float32, batch 1", caption=f"{machine}, {capability}; ratio: quartiles of pairs"
    )
    for column in ("channels", "size", "pass", "folded ms", "published ms", "ratio", "quartiles", "difference"):
        table.add_column(column, justify="right")
    for row in rows:
        low, high = row["ratio_quartiles"]  # type: ignore[misc]
        table.add_row(
            str(row["channels"]),
            f"{row['size']} x {row['size']}",
            str(row["pass"]),
            f"{1e3 * row['folded_s']:.1f}",  # type: ignore[operator]
            f"{1e3 * row['published_s']:.1f}",  # type: ignore[operator]
            f"{row['ratio']:.2f}",
            f"{low:.2f} to {high:.2f}",
            f"{row['largest_relative_difference']:.0e}",
        )
    Console(width=130).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine, "capability": capability, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
