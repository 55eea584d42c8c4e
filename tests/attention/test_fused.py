"""The fused kernels of kernel attention against the naive twin, in Triton's interpreter."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from manet.attention import kernel

pytest.importorskip("triton", reason="there is no Triton for this system")


def interpreted(*shapes: str) -> None:
    """The interpreter must be chosen before triton is imported, so it has a process of its own."""
    script = Path(__file__).with_name("interpreted.py")
    source = str(Path(__file__).parents[2] / "src")
    found = subprocess.run(
        [sys.executable, script, *shapes],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": source},
        timeout=300,
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip() == "equal"


def test_values_and_gradients_equal_the_naive_twin() -> None:
    interpreted("2x24x6x10", "1x24x30x19")  # the second has more than one part of the positions


@pytest.mark.slow
def test_the_channels_of_real_encoders_equal_the_naive_twin() -> None:
    interpreted("1x256x12x16", "1x512x4x6", "1x2048x2x5")


@pytest.mark.slow
def test_the_kernels_compile_for_a_card_without_one() -> None:
    from triton import compiler
    from triton.backends.compiler import GPUTarget

    from manet.attention import fused, fused_kernels

    in_type = {"x_pointer", "of_x", "of_keys", "out", "of_out", "of_queries", "scaled_out"}
    counts = {"positions", "channels", "keys", "batch", "across"}
    tiles = fused._tiles(torch.empty(1, 256, 1, dtype=torch.bfloat16), 32)
    options = {name: tiles.pop(name) for name in ("num_warps", "num_stages")}
    constants = {**tiles, "HAS_VALID": True, "POSITIONS": fused.POSITIONS, "OUT_C": 256}
    for name in ("summarise", "summarise_backward", "attend", "attend_backward"):
        function = getattr(fused_kernels, name)
        types = {
            argument: "constexpr"
            if argument in constants
            else "*bf16"
            if argument in in_type
            else "i32"
            if argument in counts or argument[-2:] in ("_b", "_c", "_n")
            else "*fp32"
            for argument in function.arg_names
        }
        known = {key: value for key, value in constants.items() if key in function.arg_names}
        source = compiler.ASTSource(fn=function, signature=types, constexprs=known)
        compiled = compiler.compile(source, target=GPUTarget("cuda", 80, 32), options=options)
        assert compiled.metadata.shared < 99 * 1024  # what a program may have on every card since Ampere


def test_a_processor_takes_no_fused_kernel() -> None:
    assert not kernel.fuses(torch.ones(1, 16, 4, 4))
