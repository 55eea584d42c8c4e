"""Reports of runs and evaluations, alone and side by side, from their folders only."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from builders import Run, one_line
from manet.errors import DatasetNotFoundError, OptionError
from manet.evaluation.about import About
from manet.evaluation.calibration import CalibrationCounts
from manet.evaluation.gallery import GalleryPicture
from manet.evaluation.metrics import scores
from manet.evaluation.objects import OF_CLASS, object_scores
from manet.evaluation.protocol import Protocol
from manet.evaluation.report import write_scores
from manet.evaluation.scoring import Evaluation
from manet.legend import ISPRS
from manet.recipe import Recipe
from manet.report import write_report
from pages import self_contained

RESULTS = Path(__file__).parents[2] / "results/comparison"


def evaluated(folder: Path, right: int, split: str = "test", **fields: object) -> Path:
    """An evaluation in a folder: of six classes, with a picture, calibration and objects."""
    counts = np.full((6, 6), 10, np.int64) + right * np.eye(6, dtype=np.int64)
    calibration = CalibrationCounts()
    confidence = np.full((1, 50), 0.8, np.float32)
    calibration.add(np.ones((1, 50), np.uint8), np.ones((1, 50), np.uint8), np.stack([1 - confidence, confidence]))
    protocol = {
        "dataset": "patchwork",
        "split": split,
        "classes": tuple(ISPRS.names),
        "foreground": tuple(ISPRS.names[:5]),
        "window": 512,
        "overlap": 64,
    }
    evaluation = Evaluation(
        protocol=Protocol.model_validate(protocol | fields),
        scores=scores(counts, ISPRS),
        objects=object_scores(np.ones((6, *OF_CLASS), np.int64), ISPRS),
        calibration=calibration.result(),
        confusion=tuple(tuple(map(int, row)) for row in counts),
    )
    (folder / "pictures").mkdir(parents=True)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "pictures/area-1.png")
    shown = GalleryPicture(file="area-1.png", kind="area", title="a whole area")
    (folder / "pictures/pictures.json").write_text(f"[{shown.model_dump_json()}]")
    write_scores(evaluation, folder)
    about = About(model={"network": f"net {right}"}, data={"dataset": "d"}, machine={"processor": "p"}, gsd_m=0.5)
    (folder / "about.json").write_text(about.model_dump_json())
    return folder


def trained(folder: Path, rate: float) -> Path:
    """A run of three epochs in a folder, without a checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    recipe = Recipe.model_validate({"optimiser": {"rate": rate}})
    (folder / "recipe.json").write_text(recipe.model_dump_json())
    rows = [f"{n},{10 * n},60,{rate},{1 / n},{0.2 * n},{0.25 * n}" for n in (1, 2, 3)]
    head = "epoch,step,seconds,rate,train/loss,validation/mean_iou,validation/overall_accuracy"
    (folder / "log.csv").write_text("\n".join([head, *rows]))
    return folder


def test_one_evaluation(run: Run, tmp_path: Path) -> None:
    folder = evaluated(tmp_path / "test", right=90)
    status, text, _ = run("report", folder)
    assert status == 0 and "report.html" in text
    page = self_contained((folder / "report.html").read_text())
    assert page.tags.count("img") == 1 and page.tags.count("svg") >= 7  # calibration, 5 classes by size
    for words in (*ISPRS.names, "a whole area", "50.00", "66.7", "20.00\u00a0%", "net 90", "means over", "processor"):
        assert words in page.text, words
    status, _, error = run("report", folder)
    assert status == 2 and "exists already" in one_line(error)


def test_a_run_with_its_evaluations(tmp_path: Path) -> None:
    folder = trained(tmp_path / "run", 1e-3)
    for split in ("validation", "test"):
        evaluated(folder / split, right=50, split=split)
    write_report([folder], tmp_path / "run.html", names=["mine"])
    text = (tmp_path / "run.html").read_text()
    page = self_contained(text)
    assert "Run mine" in page.text and "Test: Scores" in page.text and "Validation: Scores" in page.text
    assert "3 min" in page.text and "default: 0.0003" in page.text
    assert all(words in page.text for words in ("Training loss", "Mean IoU on the validation patches"))
    assert "Learning rate" not in page.text  # it was the same all the time


def test_a_run_that_has_just_begun(tmp_path: Path) -> None:
    trained(tmp_path / "run", 1e-3)
    (tmp_path / "run/log.csv").unlink()
    write_report([tmp_path / "run"], tmp_path / "run.html")
    assert "No epoch has ended yet" in self_contained((tmp_path / "run.html").read_text()).text


def test_several_side_by_side(tmp_path: Path) -> None:
    first, second = (trained(tmp_path / name, rate) for name, rate in (("a", 1e-3), ("b", 2e-3)))
    evaluated(first / "test", right=90)
    evaluated(second / "test", right=50)
    other = evaluated(tmp_path / "other", right=70, augmentation="flips")
    write_report([first, second, other], tmp_path / "all.html", names=["a", "b", "other"])
    text = (tmp_path / "all.html").read_text()
    page = self_contained(text)
    assert "optimiser.rate" in page.text and "training.epochs" not in page.text  # only settings that differ
    assert "<b>50.00</b>" in text and "37.50" in text and "<b>37.50</b>" not in text  # the best mean IoU is bold
    assert "a/test and other are not scored alike (augmentation: none and flips)" in page.text
    assert page.tags.count("img") == 3 and "net 90" in page.text
    same = text[text.index("The same for all") :]
    assert "processor" in same and "net 90" not in same


def test_names_are_as_short_as_they_can_be(tmp_path: Path) -> None:
    folders = [evaluated(tmp_path / name / "test", right=1) for name in ("a", "b")]
    write_report(folders, tmp_path / "all.html")
    write_report(folders[:1], tmp_path / "one.html")
    text = (tmp_path / "all.html").read_text()
    assert "a/test · b/test" in text and str(tmp_path) not in text
    assert "<h1>Evaluation test</h1>" in (tmp_path / "one.html").read_text()


def test_runs_of_earlier_versions_make_a_page_too(tmp_path: Path) -> None:
    runs = sorted((RESULTS / "banepa-base/runs").iterdir())[:2]
    write_report(runs, tmp_path / "all.html", names=[run.name for run in runs])
    page = self_contained((tmp_path / "all.html").read_text())
    assert all(run.name in page.text for run in runs) and "Training loss" in page.text


def test_what_is_no_run_and_no_evaluation(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetNotFoundError, match="neither a run"):
        write_report([tmp_path / "empty"], tmp_path / "x.html")
    with pytest.raises(DatasetNotFoundError, match="neither a run"):
        write_report([tmp_path / "missing"], tmp_path / "x.html")
    with pytest.raises(OptionError, match="at least one"):
        write_report([], tmp_path / "x.html")
    folder = evaluated(tmp_path / "test", right=1)
    (folder / "scores.json").write_text(json.dumps({"protocol": 1}))
    status, _, error = run("report", folder)
    assert status == 2 and "scores.json" in one_line(error)
    assert not list(tmp_path.rglob("*.html"))


def test_pictures_that_were_removed_are_left_out(tmp_path: Path) -> None:
    folder = evaluated(tmp_path / "test", right=90)
    shutil.rmtree(folder / "pictures")
    (folder / "about.json").unlink()
    write_report([folder], tmp_path / "x.html")
    page = self_contained((tmp_path / "x.html").read_text())
    assert "img" not in page.tags and "There are no pictures" in page.text
