"""Timings: what is compared is the same function, memory is counted, and a report holds every case."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from builders import Recorded, Run, lively, textured
from manet.cli.benchmark.speed import print_card_report
from manet.errors import ExportError, NetworkError
from manet.networks import Network, build
from manet.networks.checkpoint import write_checkpoint
from manet.paper.bench_machine import measure_machine
from manet.paper.speed import run as measurement
from manet.paper.speed.cases import kernel_cases, step_case
from manet.paper.speed.figure import draw
from manet.paper.speed.interleave import Case, Timing, Way, equal_classes, held_mb, measure, relative_difference
from manet.paper.speed.isolated import processes
from manet.paper.speed.on_card import CardSizes, measure_on_card
from manet.paper.speed.published_network import Published
from manet.paper.speed.report import SpeedReport, SpeedSettings, write_page
from manet.paper.speed.subject import untrained_card
from pages import self_contained

EXPORTS = ["openvino, fp32", "openvino, bf16", "openvino, int8", "onnxruntime, fp32", "onnxruntime, int8"]


def test_the_published_formulation_is_the_same_function(small_manet: Network) -> None:
    images = textured(2, 3, 96, 64)
    with torch.no_grad():
        torch.testing.assert_close(Published(small_manet)(images), small_manet(images), atol=1e-4, rtol=1e-4)
        torch.nn.init.zeros_(small_manet.gates()[0])
        # of other gates it is another: it is a copy
        assert (Published(small_manet)(images) - small_manet(images)).abs().max() < 1e-3


def test_ways_are_timed_against_the_first() -> None:
    def way(seconds: float, value: float) -> Way:
        def run() -> torch.Tensor:
            time.sleep(seconds)
            return torch.tensor([4.0, value])

        return Way(run)

    case = Case("naps", {"long": way(0.06, 2), "short": way(0.02, 1)}, relative_difference, "difference", flops=6e6)
    long, short = measure(case, rounds=5, budget_s=10, gflops=0.1)
    assert long.ratio == 1
    assert long.agreement == 0
    assert 2 < short.ratio < 3.5
    assert short.agreement == 0.25
    assert short.of_ceiling == pytest.approx(6e6 / 0.02 / 1e8, rel=0.2)


def test_memory_beyond_the_result_is_counted() -> None:
    x = torch.ones(250_000)

    def run() -> torch.Tensor:
        a = x + 1  # 1 MB
        b = a * 2  # 1 MB
        del a
        return b[:1].clone()

    assert held_mb(run) == pytest.approx(2, abs=0.01)


def test_kernel_attention_needs_less_memory_than_published() -> None:
    case = next(iter(kernel_cases([64], (4,), [128])))
    theirs, ours = measure(case, rounds=3, budget_s=1, gflops=1)
    assert ours.agreement < 1e-5
    assert theirs.peak_mb is not None
    assert ours.peak_mb is not None
    assert ours.peak_mb < theirs.peak_mb / 3


def test_equal_classes_are_counted() -> None:
    expected = torch.tensor([[[1.0, 0.0, 5.0, 1.0], [0.0, 1.0, 0.0, 2.0]]])
    found = torch.tensor([[[1.0, 2.0, 5.0, 1.0], [0.0, 1.0, 9.0, 2.0]]])
    assert equal_classes(expected, found) == 0.5
    assert equal_classes(expected.argmax(1), found.argmax(1)) == 0.5


def _process() -> Callable[[], torch.Tensor]:
    return lambda: torch.tensor(os.getpid())


def test_every_turn_of_a_training_step_computes_the_same(tmp_path: Path) -> None:
    network = lively(build("manet", encoder="resnet10t", classes=6))
    write_checkpoint(tmp_path / "x.safetensors", network, untrained_card("resnet10t"))
    with processes() as isolate:
        case = step_case(tmp_path / "x.safetensors", textured(2, 3, 64, 96), isolate)
        (theirs, ours) = (way.run for way in case.ways.values())
        first, again = theirs(), theirs()
        assert first == again
        assert relative_difference(first, ours()) < 1e-4
        assert isolate(_process)().item() != os.getpid() == _process()().item()


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(NetworkError, match="expected multiples of 32"):
        measurement.measure_speed(SpeedSettings(encoder="resnet10t", size=100, step_size=64, scene_size=128))


def test_one_kind_of_case_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "KERNEL_SIZES", (64,))
    settings = SpeedSettings(encoder="resnet10t", size=64, step_size=64, scene_size=128, rounds=3, only="attention")
    report = measurement.measure_speed(settings)
    assert {row.case.partition(",")[0] for row in report.rows} == {"kernel attention"}


def test_an_export_that_is_refused_is_left_out_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ExportError("the exported network differs")

    monkeypatch.setattr(measurement, "export", refuse)
    recorded = Recorded()
    settings = SpeedSettings(encoder="resnet10t", size=64, step_size=64, scene_size=128, rounds=3, only="network")
    report = measurement.measure_speed(settings, progress=recorded)
    assert [row.way for row in report.rows] == ["published, torch", "manet, torch"]
    lines = recorded.lines
    assert lines.count("left out: the exported network differs") == len(lines) // 2 > 0


@pytest.mark.slow
def test_the_command_measures_every_case(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "KERNEL_SIZES", (64,))
    monkeypatch.setattr(measurement, "HALO", 0)
    json, figure = tmp_path / "speed.json", tmp_path / "speed.png"
    arguments = ["benchmark", "speed", "--encoder", "resnet10t", "--size", "64", "--rounds", "3"]
    page = tmp_path / "speed.html"
    status, _, error = run(*arguments, "--json", json, "--figure", figure, "--page", page)
    assert status == 0, error
    report = SpeedReport.model_validate_json(json.read_text())
    text = self_contained(page.read_text()).text
    assert all(row.way in text and row.case in text for row in report.rows)
    cases = {row.case.partition(",")[0] for row in report.rows}
    assert cases == {"kernel attention", "network", "training step", "scene", "scene from file to file"}
    contexts = [row for row in report.rows if row.case.startswith("scene from file")]
    assert [row.way for row in contexts] == ["the network alone", "window context", "scene context"]
    same = [row for row in report.rows if row.compared == "equal classes" and row not in contexts]
    # a network that is not trained has ties, which bfloat16 breaks in other ways
    assert all(row.agreement > (0.999 if row.computes_in == "float32" else 0.9) for row in same)
    assert all(row.agreement < 1e-3 for row in report.rows if row.compared != "equal classes")
    assert figure.stat().st_size > 10_000
    draw(report, tmp_path / "again.svg")


def test_a_picture_of_every_way_that_there_can_be(tmp_path: Path) -> None:
    ways = ["published, torch", "manet, torch", *EXPORTS, "window context", "scene context"]
    rows = tuple(
        Timing(
            case="case",
            way=way,
            computes_in="float32",
            seconds=1,
            ratio=1 if way == ways[0] else 2,
            ratio_quartiles=(1, 1) if way == ways[0] else (1.5, 2.5),
            peak_mb=None,
            of_ceiling=None,
            agreement=1,
            compared="equal classes",
        )
        for way in ways
    )
    report = SpeedReport(
        version="0", settings=SpeedSettings(), network="", imagery="", machine=measure_machine(), rows=rows
    )
    draw(report, tmp_path / "speed.png")
    assert (tmp_path / "speed.png").stat().st_size > 5_000


def test_a_page_of_what_was_measured(tmp_path: Path) -> None:
    measured = Path(__file__).parents[2] / "results/speed/resnet50.json"
    report = SpeedReport.model_validate_json(measured.read_text())
    write_page(report, tmp_path / "speed.html")
    text = self_contained((tmp_path / "speed.html").read_text()).text
    assert all(row.way in text and f"{row.ratio:.2f} (" in text for row in report.rows)
    assert report.machine.processor in text


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_without_a_card_one_line_says_so(run: Run) -> None:
    status, out, error = run("benchmark", "speed", "--device", "cuda")
    assert status == 2 and not out
    assert len(error.strip().splitlines()) == 1 and "no device 'cuda'" in error


def test_what_a_card_is_asked_is_computed(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = CardSizes(attention=((1, 16, 8),), encoder="resnet10t", batch=2, image=64, scene=64, rounds=3)
    report = measure_on_card("cpu", sizes)
    cases = {row.case.partition(",")[0] for row in report.rows}
    assert cases == {"kernel attention", "network", "training step", "scene"}
    attention = [row for row in report.rows if row.case.startswith("kernel")]
    assert {row.way for row in attention} == {
        "published, eager",
        "manet",
        "naive twin, one image",
        "scaled_dot_product_attention",
    }
    assert all(row.of_roof and row.of_roof > 0 for row in attention if "one image" not in row.way)
    assert "megapixels a second" in report.rows[-1].says
    print_card_report(report)
    assert "bfloat16 products" in capsys.readouterr().out
