"""The paper's tables and figures: their figures as data, ours beside them, runs that are never done twice."""

import csv
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from builders import Run, one_line
from manet.attention import ChannelAttention
from manet.datasets.manifest import Area
from manet.evaluation.metrics import scores
from manet.evaluation.protocol import Protocol
from manet.evaluation.scoring import Evaluation
from manet.legend import BUILDINGS, IGNORED, ISPRS
from manet.networks import NETWORKS, build
from manet.paper.comparison.closed_gates import closed, kinds
from manet.paper.comparison.facts import Facts, channel_entropy
from manet.paper.comparison.figures import (
    WindowMaps,
    boxes,
    candidates,
    disagreement,
    most_differing,
    write_figure,
)
from manet.paper.comparison.tables import ABLATION, COMPARISON, methods, tables
from manet.paper.printed import METHODS, printed_costs, printed_scores
from manet.raster.windows import Window
from pages import self_contained

RECIPE = """
[network]
encoder = "resnet10t"
[patches]
size = 64
batch = 8
[training]
epochs = 2
"""


@pytest.mark.parametrize("dataset", ["vaihingen", "potsdam"])
def test_printed_scores_of_every_network(dataset: str):
    printed = printed_scores(dataset)
    assert list(NETWORKS) == list(METHODS) == [*printed, "fcn-plus", "manet-plus"]
    for row in printed.values():
        assert set(row.f1) == {ISPRS.names[index] for index in ISPRS.foreground}
        # the text's rounding, and a row whose mean is printed a little off
        assert row.mean_f1 == pytest.approx(np.mean(list(row.f1.values())), abs=0.02)
        f1 = np.array(list(row.f1.values())) / 100
        assert row.implied_miou == pytest.approx(100 * np.mean(f1 / (2 - f1)), abs=2e-3)
    assert printed["manet"].miou > printed["manet"].implied_miou


def test_nothing_is_printed_of_other_datasets():
    assert printed_scores("dubai") == {}
    assert printed_costs()["KAM"].parameters_m == 5.3


def _evaluation(counts: np.ndarray, legend=ISPRS) -> Evaluation:
    names, foreground = tuple(legend.names), tuple(legend.names[index] for index in legend.foreground)
    protocol = Protocol(dataset="x", split="test", classes=names, foreground=foreground, window=512, overlap=64)
    rows = tuple(tuple(int(n) for n in row) for row in counts)
    return Evaluation(protocol=protocol, scores=scores(counts, legend), confusion=rows)


def _random_counts(seed: int, good: int = 60) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(1, 20, (6, 6)) + np.diag(rng.integers(good, good + 20, 6))


def test_tables_hold_means_spreads_ranks_and_differences():
    three = [_evaluation(_random_counts(seed, 200)) for seed in range(3)]
    weaker = [_evaluation(_random_counts(seed, 40)) for seed in range(3)]
    single = [_evaluation(_random_counts(7))]
    found = methods({"manet": three, "fcn": weaker, "fcn-attention2": single})
    ablation, comparison, *groups = tables("vaihingen", found, three[0].protocol.foreground)
    assert ablation.title.startswith("Table I. ") and comparison.title.startswith("Table III. ")
    assert [group.title.split(".")[0] for group in groups] == ["Table V", "Table VI", "Table VII"]
    rows = {(a[0] or b[0], a[1]): a for a, b in zip(ablation.rows, [ablation.rows[0], *ablation.rows], strict=False)}
    ours = rows["MANet", "ours, 3 seeds"]
    mious = [100 * one.scores.mean_iou for one in three]
    assert ours[-1] == f"{np.mean(mious):.2f} ± {np.std(mious, ddof=1):.2f}"
    building = np.mean([100 * one.scores.classes["building"].f1 for one in three])
    column = ablation.columns.index("building")
    at = ablation.rows.index(ours)
    assert ablation.rows[at + 1][column] == "95.47"  # as printed
    assert ablation.rows[at + 2][column] == f"{building - 95.471:+.2f}"
    assert ours[2] == "1" and rows["FCN", "ours, 3 seeds"][2] == "2"
    assert rows["FCN+Attention2", "ours, 1 seed"][2] == "-" and "±" not in "".join(
        rows["FCN+Attention2", "ours, 1 seed"]
    )
    assert any(note == "Not run: FCN+Attention1, FCN+Attention3, FCN+Attention4." for note in ablation.notes)


def test_tables_of_other_datasets_have_no_printed_columns():
    counts = np.array([[50, 10], [5, 30]])
    shown = tables("banepa", methods({"manet": [_evaluation(counts, BUILDINGS)]}), ["building"])
    assert [len(table.rows) for table in shown] == [1, 1, 1, 1, 1]
    assert shown[0].title == "Ablation on banepa" and shown[0].rows[0][-1] == f"{100 * 30 / 45:.2f}"
    assert len(ABLATION) == 6 and len(COMPARISON) == 13


def test_disagreement_is_the_share_that_differs_from_the_most():
    rng = np.random.default_rng(3)
    predictions = [rng.integers(0, 3, (7, 9)).astype(np.uint8) for _ in range(5)]
    predictions[2][1, 1] = IGNORED
    found = disagreement(predictions)
    for row, col in itertools.product(range(7), range(9)):
        values = [int(prediction[row, col]) for prediction in predictions]
        expected = 0 if IGNORED in values else 1 - max(values.count(v) for v in values) / 5
        assert found[row, col] == pytest.approx(expected)


def test_boxes_stand_where_networks_differ_most_and_apart():
    agree = np.zeros((120, 180), np.uint8)
    differ = agree.copy()
    differ[10:30, 20:40] = 1
    differ[60:70, 150:160] = 1
    first, second = boxes([agree, differ, agree])
    assert first == Window(10, 20, 20, 20)
    assert second.intersect(Window(60, 150, 10, 10)) == Window(60, 150, 10, 10)
    assert boxes([agree, agree]) == []


def test_the_windows_that_differ_most_are_chosen(tmp_path):
    image, labels = np.zeros((3, 40, 60), np.uint8), np.zeros((40, 60), np.uint8)
    shares = [0.1, 0.5, 0.3]
    windows = candidates([Area(scene="a", row=5, col=0, height=40, width=150)], 60)
    assert [one.window for one in windows] == [Window(5, col, 40, 60) for col in (0, 60, 90)]

    def maps():
        for at, share in zip(windows, shares, strict=True):
            other = labels.copy()
            other[:, : int(60 * share)] = 1
            yield WindowMaps(at, image, labels, {"FCN": labels, "MANet": other})

    chosen = most_differing(maps(), 2)
    assert [one.at for one in chosen] == [windows[1], windows[2]]
    write_figure(chosen[0], BUILDINGS, tmp_path / "f.png")
    with Image.open(tmp_path / "f.png") as picture:
        assert picture.width > picture.height > 200


@torch.inference_mode()
def test_closed_gates_leave_the_network_without_its_attention():
    torch.manual_seed(0)
    network = build("manet", encoder="resnet10t", bands=3, classes=4).eval()
    with torch.no_grad():
        for gate in network.gates():
            gate.fill_(10.0)
    images = torch.rand(1, 3, 64, 96)
    before, bare = network(images), network.decode([2 * features for features in network.encode(images)])
    assert kinds(network) == ["kernel", "channel"]
    assert [kinds(build(name, encoder="resnet10t", bands=3, classes=4)) for name in ("fcn", "fcn-lam")] == [
        [],
        ["attention"],
    ]
    with closed(network, "kernel"):
        half = network(images)
        with closed(network, "channel"):
            torch.testing.assert_close(network(images), bare)
        assert torch.equal(network(images), half)
    assert torch.equal(network(images), before)
    assert (half - before).abs().max() > 1e-3 and (half - bare).abs().max() > 1e-3


def _paper(town: Path, out: Path, recipe: Path, *more: str) -> list[str]:
    fixed = ["--recipe", str(recipe), "--window", "128", "--overlap", "32", "--device", "cpu"]
    return ["benchmark", "paper", str(town), "--out", str(out), *fixed, *more]


def test_an_experiment_is_resumed_and_drawn(run: Run, tmp_path, town):
    folder, manifest = town
    recipe = tmp_path / "few.toml"
    recipe.write_text(RECIPE)
    out = tmp_path / "x"
    status, _, error = run(*_paper(folder, out, recipe, "--networks", "fcn"))
    assert status == 0, error
    written = (out / "runs/fcn-0/scores.json").stat().st_mtime_ns
    assert not (out / "runs/fcn-0/last.ckpt").exists()
    status, text, _ = run(*_paper(folder, out, recipe, "--networks", "fcn,fcn-lam"))
    assert status == 0 and "run 2 of 2" in text
    assert (out / "runs/fcn-0/scores.json").stat().st_mtime_ns == written
    with (out / "scores.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["network"], row["seed"]) for row in rows] == [("fcn", "0"), ("fcn-lam", "0")]
    stored = Evaluation.model_validate_json((out / "runs/fcn-lam-0/scores.json").read_text())
    assert float(rows[1]["mIoU"]) == stored.scores.mean_iou and stored.protocol.window == 128
    page = (out / "tables.md").read_text(encoding="utf-8")
    assert "| FCN+LAM | ours, 1 seed |" in page
    assert "## Precision by the size of objects" in page and "| car | FCN+LAM |" in page
    assert (out / "curves.png").stat().st_size > 5000
    html = self_contained((out / "report.html").read_text(encoding="utf-8"))
    assert "Precision by the size of objects" in html.text and html.tags.count("img") == 1

    facts = [Facts.model_validate_json(path.read_text()) for path in sorted(out.glob("runs/*/facts.json"))]
    assert [len(one.gates) for one in facts] == [0, 4] and all(one.seconds > 0 for one in facts)
    assert [list(one.without) for one in facts] == [[], ["attention"]]
    loss = 100 * (stored.scores.mean_iou - facts[1].without["attention"])
    assert "## What attention gives" in page and f"| FCN+LAM | attention | {loss:+.2f} |" in page
    moved = tmp_path / "results/x"
    shutil.copytree(out, moved, ignore=shutil.ignore_patterns("*.safetensors", "*.md", "*.png", "scores.csv"))
    status, _, error = run("experiments", tmp_path / "results")
    assert status == 0, error
    for name in ("tables.md", "scores.csv", "curves.png", "report.html"):
        assert (moved / name).read_bytes() == (out / name).read_bytes()
    status, _, error = run("experiments", tmp_path / "f")
    assert status == 2 and "holds no experiment" in one_line(error)

    other = tmp_path / "other.toml"
    other.write_text(RECIPE.replace("batch = 8", "batch = 4"))
    status, _, error = run(*_paper(folder, out, other, "--networks", "fcn"))
    assert status == 2 and "another recipe" in one_line(error)

    drawing = ["benchmark", "figures", str(out), "--data", str(folder), "--out", str(tmp_path / "f"), "--size", "64"]
    status, _, error = run(*drawing, "--count", 2, "--device", "cpu")
    assert status == 0, error
    assert sorted(path.name for path in (tmp_path / "f").iterdir()) == ["figure-1.png", "figure-2.png"]
    name = manifest.scenes[0].name
    status, _, error = run(*drawing, "--overwrite", "--at", f"{name}:630,0")
    assert status == 2 and "reaches beyond" in one_line(error)
    status, _, error = run(*drawing, "--overwrite", "--at", "nowhere:0,0")
    assert status == 2 and name in one_line(error)


def test_an_unknown_network_is_named_before_anything_is_trained(run: Run, tmp_path, town):
    recipe = tmp_path / "few.toml"
    recipe.write_text(RECIPE)
    status, _, error = run(*_paper(town[0], tmp_path / "x", recipe, "--networks", "fcn,manett"))
    assert status == 2 and "nearest: manet" in one_line(error) and "fcn-eam" in error
    assert not (tmp_path / "x/runs").exists()


@pytest.mark.slow
def test_all_networks_killed_half_way_end_as_if_never_interrupted(tmp_path, town):
    recipe = tmp_path / "few.toml"
    recipe.write_text(RECIPE.replace("epochs = 2", "epochs = 1"))
    environment = os.environ | {"OMP_NUM_THREADS": "1"}

    def start(out: Path, log: Path) -> subprocess.Popen:
        command = [str(Path(sys.executable).with_name("manet")), *_paper(town[0], out, recipe)]
        with log.open("w") as said:
            return subprocess.Popen(command, env=environment, stdout=said)

    folders = killed_folder, whole_folder = tmp_path / "killed", tmp_path / "whole"
    killed = start(killed_folder, tmp_path / "killed.log")
    while len(list((killed_folder / "runs").glob("*/scores.json"))) < 7:
        assert killed.poll() is None
        time.sleep(0.2)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    resumed, whole = start(killed_folder, tmp_path / "resumed.log"), start(whole_folder, tmp_path / "whole.log")
    assert resumed.wait() == 0 and whole.wait() == 0
    said = (tmp_path / "resumed.log").read_text()
    assert "run 8 of 17" in said and "run 7 of 17" not in said
    rows = [(folder / "scores.csv").read_text() for folder in folders]
    assert rows[0] == rows[1] and rows[0].count("\n") == 18


def test_the_entropy_of_channel_attention():
    network = build("manet", encoder="resnet10t", classes=3).eval()
    before = {name: parameter.clone() for name, parameter in network.named_parameters()}
    images = torch.randn(1, 3, 64, 96)
    found = channel_entropy(network, images)
    assert len(found) == 4
    name, module = next((n, m) for n, m in network.named_modules() if isinstance(m, ChannelAttention))
    x = network.encode(images)[0].flatten(2)[0].detach().double()
    energy = x @ x.T
    attention = torch.softmax(energy.amax(1, keepdim=True) - energy, dim=1)
    expected = -(attention * attention.clamp(min=1e-300).log()).sum(1).mean() / np.log(len(x))
    assert found[name] == pytest.approx(expected.item(), abs=1e-4)
    assert "attend" not in vars(module)
    assert all(torch.equal(parameter, before[name]) for name, parameter in network.named_parameters())
    assert channel_entropy(build("fcn", encoder="resnet10t", classes=3).eval(), images) == {}
