"""Pictures of an evaluation, and the calibration that is counted with it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from builders import image_like, write_band
from manet.datasets.manifest import Area
from manet.evaluation.calibration import BINS, CalibrationCounts
from manet.evaluation.gallery import Gallery, read_gallery
from manet.legend import BUILDINGS, IGNORED
from manet.pictures.errors import COLOURS, FALSE, MISSED
from manet.raster.reduced import block_shares, most_frequent
from manet.raster.scene import Scene


@pytest.fixture
def labelled(tmp_path: Path) -> tuple[Scene, Scene, np.ndarray]:
    """A scene of 2 x 4 windows of 512 pixels, and its labels: half of every window is a building."""
    write_band(tmp_path / "image.tif", np.tile(image_like(512, 512), (1, 2, 4)))
    labels = np.zeros((1024, 2048), np.uint8)
    labels[:, np.arange(2048) % 512 < 256] = 1
    labels[:512, :512] = IGNORED
    write_band(tmp_path / "labels.tif", labels)
    return Scene(tmp_path / "image.tif"), Scene(tmp_path / "labels.tif"), labels


def test_best_and_worst_windows_are_those(
    labelled: tuple[Scene, Scene, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, truth, labels = labelled
    area = Area(scene="s", row=0, col=0, height=1024, width=2048)
    prediction = np.where(labels == IGNORED, 0, labels)
    wrong = {(0, 512): 200, (0, 1024): 100, (0, 1536): 0, (512, 0): 50, (512, 512): 150, (512, 1024): 20}
    wrong[512, 1536] = 256  # nothing is found
    for (row, col), columns in wrong.items():
        prediction[row : row + 512, col : col + columns] = 0
    monkeypatch.setattr("manet.evaluation.gallery.EACH", 3)
    gallery = Gallery(tmp_path / "pictures", BUILDINGS, [area], "test")
    gallery.add(scene, truth, prediction.astype(np.uint8), area)
    gallery.finish()
    pictures = read_gallery(tmp_path / "pictures")
    titles = {kind: [p.title for p in pictures if p.kind == kind] for kind in ("area", "best", "worst")}
    assert titles["area"] == ["s (test)"]
    assert titles["best"] == [
        "s, row 0, column 1536: mean IoU 100.0 %",
        f"s, row 512, column 1024: mean IoU {100 * 236 / 256:.1f} %",
        f"s, row 512, column 0: mean IoU {100 * 206 / 256:.1f} %",
    ]
    assert [title.split(":")[0] for title in titles["worst"]] == [
        "s, row 512, column 1536",
        "s, row 0, column 512",
        "s, row 512, column 512",
    ]
    colours = np.asarray(Image.open(tmp_path / "pictures/worst-1.png").convert("RGB")).reshape(-1, 3)
    assert (colours == COLOURS[MISSED]).all(axis=1).sum() > 512 * 250
    assert not (colours == COLOURS[FALSE]).all(axis=1).any()
    assert {path.name for path in (tmp_path / "pictures").glob("*.png")} == {picture.file for picture in pictures}


def test_no_window_is_best_and_worst_and_many_areas_are_not_all_drawn(
    labelled: tuple[Scene, Scene, np.ndarray], tmp_path: Path
) -> None:
    scene, truth, labels = labelled
    areas = [
        Area(scene="s", row=row, col=col, height=128, width=128) for row in (512, 640) for col in range(0, 640, 128)
    ]
    gallery = Gallery(tmp_path / "many", BUILDINGS, areas, "validation")
    for area in areas:
        gallery.add(scene, truth, labels[area.window.slices], area)
    gallery.finish()
    kinds = [picture.kind for picture in read_gallery(tmp_path / "many")]
    assert kinds.count("area") == 4 and kinds.count("best") == kinds.count("worst") == 3
    titles = [picture.title for picture in read_gallery(tmp_path / "many") if picture.kind != "area"]
    assert len(set(titles)) == 6  # though all are equally good
    few = Gallery(tmp_path / "few", BUILDINGS, areas[:1], "test")
    few.add(scene, truth, labels[areas[0].window.slices], areas[0])
    few.finish()
    assert [picture.kind for picture in read_gallery(tmp_path / "few")] == ["area"]


def test_blocks_at_the_edge_are_whole_shares() -> None:
    pixels = np.zeros((5, 7), bool)
    pixels[4, 6], pixels[0, :3] = True, True
    assert block_shares(pixels, 3).tolist() == [[1 / 3, 0, 0], [0, 0, 1 / 2]]
    classes = np.full((4, 4), IGNORED, np.uint8)
    classes[0, 0], classes[2:, 2:], classes[2, 2] = 3, 2, 1
    assert most_frequent(classes, 2).tolist() == [[3, IGNORED], [IGNORED, 2]]
    assert most_frequent(np.full((4, 4), IGNORED, np.uint8), 2).tolist() == [[IGNORED] * 2] * 2


def test_calibration_by_hand() -> None:
    counts, shape = CalibrationCounts(), (1, 10)
    confident = np.full(shape, 0.9, np.float32)
    labels = np.array([[1] * 6 + [0] * 3 + [IGNORED]], np.uint8)
    counts.add(labels, np.ones(shape, np.uint8), np.stack([1 - confident, confident]))
    unsure = np.full(shape, 0.51, np.float32)
    counts.add(np.ones(shape, np.uint8), np.zeros(shape, np.uint8), np.stack([unsure, 1 - unsure]))
    found = counts.result()
    assert found is not None and len(found.bins) == BINS and sum(b.pixels for b in found.bins) == 19
    assert found.error == pytest.approx((9 * (0.9 - 6 / 9) + 10 * 0.51) / 19)
    assert [b.accuracy for b in found.bins if b.pixels] == [0, pytest.approx(2 / 3)]
    assert CalibrationCounts().result() is None


def test_a_network_that_knows_what_it_knows_has_no_calibration_error() -> None:
    rng, counts = np.random.default_rng(0), CalibrationCounts()
    confidence = rng.uniform(0.5, 1, (400, 400)).astype(np.float32)
    labels = (rng.random((400, 400)) < confidence).astype(np.uint8)
    counts.add(labels, np.ones((400, 400), np.uint8), np.stack([1 - confidence, confidence]))
    assert (found := counts.result()) and found.error < 0.01
