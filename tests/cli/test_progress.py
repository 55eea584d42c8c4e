"""Progress where the output is no terminal: plain lines, few of them. And a run by its commands, recipe changed."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from manet.cli import app, progress
from manet.cli.progress import ConsoleProgress
from manet.datasets.manifest import Manifest

Town = tuple[Path, Manifest]


def test_a_line_at_most_every_half_minute(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with ConsoleProgress() as told:
        for done in range(101):
            told.count("reading", done, 100)
            now += 1
    assert capsys.readouterr().out == (
        "reading: 30 of 100, 0:01:10 left\nreading: 60 of 100, 0:00:40 left\nreading: 90 of 100, 0:00:10 left\n"
    )


def test_work_that_is_soon_done_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with ConsoleProgress() as told:
        for done in (0, 3):
            told.count("reading", done, 3)
    assert capsys.readouterr().out == ""


def test_a_run_prints_a_line_an_epoch_and_keeps_its_whole_recipe(town: Town, tmp_path: Path) -> None:
    file, out = tmp_path / "mine.toml", tmp_path / "run"
    file.write_text('base = "strong"\n[network]\nencoder = "resnet10t"\nweights = "none"\n[patches]\nsize = 64\n')
    command = [
        "train",
        "--data",
        str(town[0]),
        "--recipe",
        str(file),
        "--out",
        str(out),
        "--device",
        "cpu",
        "--no-graphs",
    ]
    command += ["--no-graphs", "--set", "training.epochs=2", "--set", "training.ema=0.9"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    lines = [line for line in result.output.splitlines() if line.startswith("epoch")]
    pattern = r"epoch {}/2  loss \d\.\d{{3}}  validation mean IoU 0\.\d{{3}}  \d+ s"
    assert len(lines) == 2
    assert all(re.fullmatch(pattern.format(n), line) for n, line in enumerate(lines, start=1)), lines
    kept = json.loads((out / "recipe.json").read_text())
    assert "base" not in kept
    assert (kept["loss"]["dice"], kept["patches"]["size"], kept["training"]["epochs"]) == (1.0, 64, 2)
    assert (kept["training"]["ema"], kept["network"]["weights"]) == (0.9, None)
    again = CliRunner().invoke(app, [*command, "--resume"])
    assert again.exit_code == 0 and "is finished: there is nothing to resume" in again.output
    assert "best epoch" in again.output and not [line for line in again.output.splitlines() if line.startswith("epoch")]
