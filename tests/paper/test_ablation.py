"""Ablations: what is kept, what is not done twice, and tables from files alone."""

import csv
import shutil
from pathlib import Path

import pytest

from builders import Run, one_line
from manet.datasets.manifest import Manifest
from manet.paper.ablation.climb import AblationSettings, climb, finished_rungs
from manet.paper.ablation.ladder import Ladder, read_ladder
from manet.recipe import Recipe
from pages import self_contained

Town = tuple[Path, Manifest]

LADDER = """
base = "paper"
set = ["network.encoder=resnet10t", "network.weights=none", "patches.size=64", "patches.batch=8", "training.epochs=1"]

[[change]]
name = "rate"
set = ["optimiser.rate=3e-3"]

[[change]]
name = "standstill"
set = ["optimiser.rate=1e-9", "optimiser.gate_rate=2"]
"""


def _log(folder: Path, scores: list[float]) -> Path:
    folder.mkdir(parents=True)
    rows = [f"{epoch},{epoch},30.0,0.1,1.0,{score},0.5" for epoch, score in enumerate(scores, 1)]
    heading = "epoch,step,seconds,rate,train/loss,validation/mean_iou,validation/overall_accuracy"
    (folder / "log.csv").write_text("\n".join([heading, *rows, ""]))
    return folder


def test_a_change_is_kept_where_the_mean_over_the_seeds_rises(tmp_path: Path) -> None:
    changes = [{"name": name, "set": [f"loss.{name}=1.0"]} for name in ("dice", "lovasz")]
    changes.append({"name": "ema", "set": ["training.ema=0.9"]})
    ladder = Ladder.model_validate({"base": "paper", "set": ["training.epochs=2"], "seeds": [3, 5], "change": changes})
    scores = {"base": (0.5, 0.6), "dice": (0.65, 0.44), "lovasz": (0.4, 0.72), "ema": (0.7, 0.5)}
    recipes: dict[tuple[str, int], Recipe] = {}

    def train(name: str, seed: int, recipe: Recipe) -> Path:
        recipes[name, seed] = recipe
        return _log(tmp_path / f"{name}-{seed}", [0.1, scores[name][seed == 5]])

    rungs = list(climb(AblationSettings(dataset="x", manifest="y", ladder=ladder), train))
    assert [rung.kept for rung in rungs] == [True, False, True, True]  # means .55, .545, .56, .6
    assert [rung.gain for rung in rungs[1:]] == pytest.approx([-0.005, 0.01, 0.04])
    assert [rung.scores for rung in rungs] == list(scores.values()) and rungs[0].seconds == 60
    last = recipes["ema", 5]
    assert (last.training.epochs, last.training.seed, last.training.ema) == (2, 5, 0.9)
    assert (last.loss.dice, last.loss.lovasz) == (0.0, 1.0)  # what was not kept is gone


def test_an_ablation_is_done_once_and_told_from_its_files(run: Run, town: Town, tmp_path: Path) -> None:
    ladder, out = tmp_path / "ladder.toml", tmp_path / "ablation"
    ladder.write_text(LADDER)
    command = "benchmark", "ablation", town[0], "--ladder", ladder, "--out", out, "--device", "cpu"
    status, text, _ = run(*command)
    assert status == 0 and "standstill: -" in text and "not kept" in text
    with (out / "ablation.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["change"] for row in rows] == ["base", "rate", "standstill"]
    assert rows[2]["kept"] == "False" and rows[2]["set"].endswith("optimiser.rate=1e-9 optimiser.gate_rate=2")
    logs = {path: path.stat().st_mtime_ns for path in out.rglob("log.csv")}
    table = (out / "ablation.md").read_text()
    assert run(*command)[0] == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("log.csv")} == logs  # nothing was trained again

    for path in (*out.rglob("*.safetensors"), *out.glob("ablation.[mcp]*")):
        path.unlink()
    status, text, _ = run("experiments", tmp_path)
    assert status == 0 and (out / "ablation.md").read_text() == table and (out / "ablation.png").stat().st_size > 5000

    assert "standstill" in self_contained((out / "report.html").read_text()).text
    shutil.rmtree(out / "runs/rate-0")
    assert [rung.name for rung in finished_rungs(out)] == ["base"]  # as far as it has come
    ladder.write_text(LADDER.replace("3e-3", "4e-3"))
    status, _, error = run(*command)
    assert status == 2 and "holds another ablation" in one_line(error)


def test_a_run_with_patience_has_ended_when_it_has_run_out(tmp_path: Path) -> None:
    ladder = Ladder.model_validate(
        {
            "base": "paper",
            "set": ["training.epochs=9", "training.patience=2"],
            "change": [{"name": "dice", "set": ["loss.dice=1.0"]}],
        }
    )
    settings = AblationSettings(dataset="x", manifest="y", ladder=ladder)
    (tmp_path / "ablation.json").write_text(settings.model_dump_json())
    _log(tmp_path / "runs/base-0", [0.1, 0.3, 0.2, 0.2])
    _log(tmp_path / "runs/dice-0", [0.1, 0.3, 0.2])
    assert [rung.name for rung in finished_rungs(tmp_path)] == ["base"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ('base = "paper"', "change is missing"),
        (LADDER.replace('"rate"', '"Rate!"'), "'Rate!' cannot be the name of a change"),
        (LADDER.replace('"standstill"', '"rate"'), "several changes called rate"),
        (LADDER.replace("optimiser.rate=3e-3", "optimiser.rat=3"), "unknown key 'optimiser.rat'"),
        ("base = ", "is not TOML"),
    ],
)
def test_ladders_that_are_none(run: Run, tmp_path: Path, wrong: str, message: str) -> None:
    ladder = tmp_path / "ladder.toml"
    ladder.write_text(wrong)
    status, _, error = run("benchmark", "ablation", tmp_path, "--ladder", ladder, "--out", tmp_path / "out")
    assert status == 2 and message in one_line(error)
    assert not (tmp_path / "out").exists()


def test_a_ladder_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "ladder.toml").write_text(LADDER)
    ladder = read_ladder(tmp_path / "ladder.toml")
    assert ladder.seeds == (0,) and [change.name for change in ladder.change] == ["rate", "standstill"]
