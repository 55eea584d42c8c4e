"""No run is lost: whenever `manet train` is killed, --resume ends with the weights of a run that never was."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from manet.datasets.manifest import Manifest

Town = tuple[Path, Manifest]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL"),
]

RECIPE = """
[network]
encoder = "regnetx_002"
[patches]
size = 64
batch = 4
sampling = "class-aware"
[optimiser]
name = "adamw"
rate = 2e-3
schedule = "cosine"
[training]
epochs = 6
"""

COUNT = int(os.environ.get("MANET_MOMENTS", "5"))
MOMENTS = tuple(round(0.05 + 0.9 * k / (COUNT - 1), 3) for k in range(COUNT))
"""Shares of a run's steps. MANET_MOMENTS=10 tries more of them."""

STEPS = 36


def start(data: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    recipe = out.parent / "recipe.toml"
    recipe.write_text(RECIPE)
    command = [str(Path(sys.executable).with_name("manet")), "train", "--data", str(data), "--recipe", str(recipe)]
    command += ["--out", str(out), "--device", "cpu", "--save-every", "0", "--no-graphs", *options]

    def listen() -> None:  # a shell's background processes ignore Ctrl-C, and so do their children
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, preexec_fn=listen)


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit status and standard error."""
    _, error = process.communicate(timeout=300)
    return process.returncode, error


def run_until(process: subprocess.Popen[str], out: Path, step: int) -> float:
    """Waits until so many steps are done, by the states that are written: at first, then after every step. Gives the
    seconds that the last of them took."""
    written, last, took = -1, 0, 0.0
    since = time.monotonic()
    while written < step:
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
        if (out / "recipe.json").exists() and (out / "last.ckpt").stat().st_mtime_ns != last:
            last, took, since = (out / "last.ckpt").stat().st_mtime_ns, time.monotonic() - since, time.monotonic()
            written += 1
    return took


def weights(out: Path) -> dict[str, torch.Tensor]:
    return torch.load(out / "last.ckpt", weights_only=True)["state_dict"]


def differing(out: Path, whole: Path) -> list[str]:
    expected = weights(whole)
    return [name for name, tensor in weights(out).items() if not torch.equal(tensor, expected[name])]


@pytest.fixture(scope="module")
def whole(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupts."""
    out = tmp_path_factory.mktemp("whole") / "run"
    status, error = finish(start(town[0], out))
    assert status == 0, error
    assert torch.load(out / "last.ckpt", weights_only=True)["global_step"] == STEPS
    return out


def test_killed_at_any_moment(town: Town, whole: Path, tmp_path: Path) -> None:
    """In the middle of a step, of a validation or of writing, as it comes."""
    found = {}
    for moment in MOMENTS:
        out = tmp_path / "run"
        process = start(town[0], out)
        took = run_until(process, out, round(moment * STEPS))
        time.sleep(moment * took)
        process.kill()
        assert finish(process)[0] == -signal.SIGKILL
        state = torch.load(out / "last.ckpt", weights_only=True)
        status, error = finish(start(town[0], out, "--resume"))
        assert status == 0, (moment, error)
        found[f"{moment:.0%}"] = (state["epoch"], state["global_step"], differing(out, whole))
        own = {"best.safetensors", "last.ckpt", "log.csv", "recipe.json"}
        assert {p.name for p in out.iterdir()} == {*own, "about.json", "report.html", "validation"}
        assert (out / "log.csv").read_text().count("\n") == 7
        assert (out / "best.safetensors").read_bytes() == (whole / "best.safetensors").read_bytes()
        shutil.rmtree(out)
    print("\nkilled at: (epoch, step of the state that was resumed, weights that differ)", found)
    assert not any(differ for _, _, differ in found.values()), found
    assert len({step for _, step, _ in found.values()}) == len(MOMENTS), found


@pytest.mark.parametrize(
    ("number", "status", "word"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")]
)
def test_signals_end_a_run_that_can_go_on(
    number: signal.Signals, status: int, word: str, town: Town, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    process = start(town[0], out)
    run_until(process, out, 14)
    process.send_signal(number)
    found, error = finish(process)
    assert (found, error) == (status, f"{word}; go on with the same command and --resume\n")
    assert finish(start(town[0], out, "--resume"))[0] == 0
    assert not differing(out, whole)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_before_the_first_step_leave_nothing(
    number: signal.Signals, status: int, town: Town, tmp_path: Path
) -> None:
    process = start(town[0], tmp_path / "run")
    time.sleep(1.5)
    process.send_signal(number)
    found, error = finish(process)
    assert found == status and error.count("\n") == 1, error
    assert not (tmp_path / "run").exists()
