"""UAVid and LoveDA: the publishers' splits, a test without labels, and predictions in the benchmarks' form."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import publishers
from manet.cli import app
from manet.datasets.manifest import Manifest, read_manifest
from manet.datasets.sources import loveda, prepare_source, uavid
from manet.datasets.submission import form_of, submission
from manet.errors import DatasetError
from manet.evaluation.protocol import PredictionProtocol
from manet.evaluation.scoring import score_split
from manet.legend import IGNORED
from manet.raster.scene import Scene

LOVEDA_CLASSES = np.array([2, 1, 6, 5, 4, IGNORED], np.uint8)
"""Of the town's classes: the values in the labels less one; clutter is no data."""

Prepared = tuple[Path, Manifest]


def prepared(name: str, folder: Path, incomplete: bool = True) -> Prepared:
    """From the folder's `source` to its `out`."""
    return folder / "out", prepare_source(name, folder / "out", folder / "source", incomplete=incomplete)


@pytest.fixture(scope="module")
def loveda_dataset(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("loveda")
    publishers.write(folder / "source", publishers.loveda_archives())
    return prepared("loveda", folder)


@pytest.fixture(scope="module")
def uavid_dataset(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("uavid")
    whole = {"uavid_v1.5_official_release_image.zip": publishers.archive(publishers.uavid_archives())}
    publishers.write(folder / "source", whole)
    return prepared("uavid", folder)


def pixels(path: Path) -> np.ndarray:
    with Scene(path) as scene:
        return scene.read(scene.window)[0]


def names(manifest: Manifest, split: str) -> list[str]:
    return [area.scene for area in next(areas for name, areas in manifest.splits.items() if name == split)]


def test_loveda_is_what_the_archives_hold(loveda_dataset: Prepared) -> None:
    folder, manifest = loveda_dataset
    assert (manifest.dataset, manifest.gsd_m) == ("loveda-partial", 0.3)
    assert names(manifest, "train") == ["0", "2521"]
    assert names(manifest, "validation") == ["2522", "4190"]
    assert names(manifest, "test") == ["4191", "5986"]
    for part, _, number, c in publishers.loveda_scenes():
        entry = manifest.scene(str(number))
        assert (pixels(folder / entry.image) == c.image[:3]).all()
        if part == "Test":
            assert entry.given_labels is None
        else:
            assert (pixels(folder / entry.labels)[0] == LOVEDA_CLASSES[c.classes]).all()
    assert manifest.pixels["test"] == (0,) * 7


def test_uavid_is_what_the_archives_hold(uavid_dataset: Prepared) -> None:
    folder, manifest = uavid_dataset
    assert manifest.dataset == "uavid-partial"
    assert names(manifest, "train") == ["seq1_000000", "seq1_000100"]
    assert names(manifest, "validation") == ["seq16_000000", "seq16_000100"]
    assert names(manifest, "test") == ["seq21_000000", "seq21_000100"]
    for part, sequence, frame, c in publishers.uavid_scenes():
        entry = manifest.scene(f"seq{sequence}_{frame}")
        assert (pixels(folder / entry.image) == c.image[:3]).all()
        if part != "test":
            labels = pixels(folder / entry.labels)[0]
            assert (labels == publishers.UAVID_CLASSES[c.classes]).all()
            assert (labels == 0).sum() == (c.classes == 5).sum()  # black is clutter, not ignored


def test_the_publishers_splits() -> None:
    assert {split: len(numbers) for split, numbers in uavid.SEQUENCES.items()} == {
        "train": 20,
        "validation": 7,
        "test": 15,
    }
    assert sorted(n for numbers in uavid.SEQUENCES.values() for n in numbers) == list(range(1, 43))
    assert [len(numbers) for numbers in loveda.IMAGES.values()] == [2522, 1669, 1796]


def test_a_whole_set_is_not_called_partial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With folders, unpacked, and the archives' split taken from nothing but the scene's number."""
    monkeypatch.setattr(loveda, "IMAGES", {"train": (0, 2521), "validation": (2522, 4190), "test": (4191, 5986)})
    for archive, content in publishers.loveda_archives().items():
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            file.extractall(tmp_path / "source" / archive.removesuffix(".zip"))
    _, manifest = prepared("loveda", tmp_path, incomplete=False)
    assert manifest.dataset == "loveda"


def test_labels_are_asked_for_where_there_are_none(loveda_dataset: Prepared) -> None:
    folder, manifest = loveda_dataset
    assert read_manifest(folder) == manifest
    with pytest.raises(DatasetError, match="scene '4191' has no labels"):
        score_split(lambda scene, area: iter(()), folder, manifest, "test", PredictionProtocol(window=64, overlap=0))


def test_submissions_are_in_the_benchmarks_form(tmp_path: Path, uavid_dataset: Prepared) -> None:
    classes = np.arange(7, dtype=np.uint8).repeat(4).reshape(4, 7)
    out = tmp_path / "loveda.zip"
    with submission(out, form_of("loveda"), loveda.LEGEND.legend) as add:
        add("4191", classes)
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == ["4191.png"]
        assert (np.asarray(Image.open(archive.open("4191.png"))) == classes).all()
    out = tmp_path / "uavid.zip"
    with submission(out, form_of("uavid-partial"), uavid_dataset[1].legend) as add:
        add("seq21_000100", classes)
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == ["seq21/Labels/000100.png"]
        shown = np.asarray(Image.open(archive.open("seq21/Labels/000100.png")))
        assert (shown[0, 0] == (0, 0, 0)).all()
        assert (shown == np.array(uavid.LEGEND.legend.colours)[classes]).all()
    with pytest.raises(DatasetError, match="'potsdam' has no benchmark"):
        form_of("potsdam")


def test_nothing_is_left_of_a_submission_that_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyError), submission(tmp_path / "x.zip", form_of("loveda"), loveda.LEGEND.legend):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_train_check_and_submit_by_the_command_line(loveda_dataset: Prepared, tmp_path: Path) -> None:
    folder, manifest = loveda_dataset
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        '[network]\nencoder = "resnet10t"\n[patches]\nsize = 64\nbatch = 2\n[training]\nepochs = 1\n', encoding="utf-8"
    )

    def invoke(*arguments: object, status: int = 0) -> str:
        result = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"})
        assert result.exit_code == status, result.output
        return result.output

    checked = invoke("check", folder, "--out", tmp_path / "sheet.png")
    assert "the test split has no labels" in checked
    invoke(
        "train",
        "--data",
        folder,
        "--recipe",
        recipe,
        "--out",
        tmp_path / "run",
        "--device",
        "cpu",
        "--no-graphs",
        "--missing-classes",
    )
    checkpoint, out = tmp_path / "run/best.safetensors", tmp_path / "submission.zip"
    told = invoke("submit", checkpoint, "--data", folder, "--out", out, "--overlap", 16, "--device", "cpu")
    assert "2 predictions for loveda-partial" in told
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == ["4191.png", "5986.png"]
        predicted = np.asarray(Image.open(archive.open("5986.png")))
    entry = manifest.scene("5986")
    assert predicted.shape == (entry.height, entry.width)
    assert predicted.max() < 7
