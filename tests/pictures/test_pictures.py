"""Pictures: what is read for them, errors on the image, colours, titles and scale bars."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from builders import write_band
from manet.errors import OutputError
from manet.legend import BUILDINGS, IGNORED, ISPRS
from manet.pictures.colours import stretch
from manet.pictures.errors import (
    COLOURS,
    CONFUSED,
    FALSE,
    MISSED,
    class_errors,
    draw_errors,
    error_kinds,
    write_comparison,
)
from manet.pictures.panels import panel_columns
from manet.pictures.preview import write_preview
from manet.pictures.scale_bar import bar_metres, metres
from manet.raster.reduced import read_classes, read_colours, reduced_size
from manet.raster.windows import Window

DEFICIENT = {  # Machado, Oliveira and Fernandes (2009), severity 1, in linear RGB
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def _seen(colour: tuple[int, ...], matrix: np.ndarray) -> np.ndarray:
    """A colour in CIE L*a*b* as an eye sees it."""
    share = np.array(colour) / 255
    linear = np.clip(matrix @ np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4), 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = to_xyz @ linear / (0.9505, 1.0, 1.089)
    fx, fy, fz = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


@pytest.mark.parametrize("eye", DEFICIENT)
def test_every_eye_tells_errors_apart_and_from_the_grey_image(eye: str) -> None:
    matrix = np.array(DEFICIENT[eye])
    assert min(_distance(a, b, matrix) for a, b in itertools.combinations(COLOURS, 2)) > 30
    greys = [(level, level, level) for level in range(38, 192, 8)]  # what draw_errors leaves of the image
    assert min(_distance(colour, grey, matrix) for colour in COLOURS for grey in greys) > 20
    assert _distance((214, 39, 40), (44, 160, 44), np.array(DEFICIENT["deutan"])) < 10  # red and green would fail


def _distance(a: tuple[int, ...], b: tuple[int, ...], matrix: np.ndarray) -> float:
    return float(np.linalg.norm(_seen(a, matrix) - _seen(b, matrix)))


def test_kinds_of_errors() -> None:
    background, building = 0, 1
    labels = np.array([[building, background, building, background, IGNORED, building]], np.uint8)
    predicted = np.array([[background, building, building, background, building, IGNORED]], np.uint8)
    kinds = error_kinds(labels, predicted, BUILDINGS)
    assert kinds[MISSED].tolist() == [[True, False, False, False, False, False]]
    assert kinds[FALSE].tolist() == [[False, True, False, False, False, False]]
    assert not kinds[CONFUSED].any()
    clutter, car, tree = 5, 4, 3
    labels, predicted = np.array([[car, car, clutter]], np.uint8), np.array([[tree, clutter, car]], np.uint8)
    assert error_kinds(labels, predicted, ISPRS).argmax(axis=0).tolist() == [[CONFUSED, MISSED, FALSE]]


def test_errors_of_one_class_whatever_the_others_are() -> None:
    car, tree = 4, 3
    labels = np.array([[car, car, tree, tree, IGNORED]], np.uint8)
    predicted = np.array([[car, tree, car, 0, car]], np.uint8)
    kinds = class_errors(labels, predicted, car)
    assert kinds[MISSED].tolist() == [[False, True, False, False, False]]
    assert kinds[FALSE].tolist() == [[False, False, True, False, False]] and not kinds[CONFUSED].any()


def test_errors_lie_on_the_grey_image() -> None:
    shares = np.zeros((3, 1, 3), np.float32)
    shares[FALSE, 0, 1], shares[MISSED, 0, 2] = 1, 0.01
    drawn = draw_errors(np.full((1, 3, 3), 0.5), shares)
    assert drawn[0, 1] * 255 == pytest.approx(COLOURS[FALSE])
    assert np.ptp(drawn[0, 0]) == pytest.approx(0, abs=1e-9)
    assert np.ptp(drawn[0, 2]) > 0.2  # a hundredth of wrong pixels is seen


def test_pictures_are_means_and_most_frequent_classes(tmp_path: Path) -> None:
    image = np.zeros((3, 40, 60), np.uint8)
    image[:, :, ::2], image[0, :20, :30] = 100, 7
    image[:, 20:, 30:] = 0  # nodata
    write_band(tmp_path / "image.tif", np.maximum(image, 1), nodata=1)
    found = read_colours(tmp_path / "image.tif", Window(0, 0, 40, 60), 6)
    assert found.shape == (3, 4, 6) == (3, *reduced_size(Window(0, 0, 40, 60), 6))
    assert found[0, 0, 0] == 7 and np.isnan(found[:, 2:, 3:]).all()
    classes = np.ones((40, 60), np.uint8)
    classes[:3, :7], classes[20:, 30:] = 0, IGNORED
    write_band(tmp_path / "map.tif", classes, nodata=IGNORED)
    assert set(read_classes(tmp_path / "map.tif", Window(0, 0, 40, 60), 6).ravel().tolist()) == {1, IGNORED}
    assert read_classes(tmp_path / "map.tif", Window(0, 0, 4, 4), 6).shape == (4, 4)  # never enlarged


def test_bands_that_say_their_colours_are_shown_in_them(tmp_path: Path) -> None:
    values = np.arange(1, 5, dtype=np.uint8)[:, None, None].repeat(4, 1).repeat(4, 2)
    write_band(tmp_path / "bgrn.tif", values)
    interpretation = rasterio.enums.ColorInterp
    with rasterio.open(tmp_path / "bgrn.tif", "r+") as dataset:
        dataset.colorinterp = [interpretation[name] for name in ("blue", "green", "red", "undefined")]
    assert read_colours(tmp_path / "bgrn.tif", Window(0, 0, 4, 4), 4)[:, 0, 0].tolist() == [3, 2, 1]


@pytest.mark.parametrize("shape", [(150, 200), (200, 600), (700, 90)])
def test_nothing_of_a_preview_is_cut(shape: tuple[int, int], tmp_path: Path) -> None:
    height, width = shape
    scene = tmp_path / f"{'a_very_long_name_of_a_scene_' * 4}.tif"
    write_band(scene, np.random.default_rng(0).integers(1, 255, (3, height, width), np.uint8))
    classes = np.arange(height * width).reshape(height, width) * 6 // (height * width)
    classes[: height // 20] = IGNORED
    write_band(tmp_path / "map.tif", classes.astype(np.uint8), nodata=IGNORED)
    write_preview(scene, tmp_path / "map.tif", ISPRS, tmp_path / "map.png")
    picture, colours = _drawn(tmp_path / "map.png")
    frame = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    assert (frame == 255).all()
    assert {*ISPRS.colours, (128, 128, 128)} <= colours
    assert max(picture.shape) < 3000


def test_errors_have_a_picture_of_their_own_beside_the_labels(tmp_path: Path) -> None:
    labels, predicted = np.zeros((64, 96), np.uint8), np.zeros((64, 96), np.uint8)
    labels[:20, :20], predicted[40:, 40:] = 1, 1
    image = np.full((3, 64, 96), np.nan)
    write_comparison(tmp_path / "x.png", image, labels, predicted, BUILDINGS, title="x", pixel_m=(0.5, 0.5))
    _, colours = _drawn(tmp_path / "x.png")
    assert {COLOURS[MISSED], COLOURS[FALSE], *BUILDINGS.colours} <= colours and COLOURS[CONFUSED] not in colours


def _drawn(path: Path) -> tuple[np.ndarray, set[tuple[int, ...]]]:
    """A picture (height, width, 3), and its colours."""
    picture = np.array(Image.open(path).convert("RGB"))
    found = np.unique(picture.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32))
    return picture, {(int(c) >> 16, int(c) >> 8 & 255, int(c) & 255) for c in found}


def test_previews_are_png(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.png"):
        write_preview("scene.tif", "map.tif", BUILDINGS, tmp_path / "map.xlsx")


@pytest.mark.parametrize(
    ("width_m", "text"), [(405.0, "100 m"), (67.5, "20 m"), (9000, "2 km"), (2, "50 cm"), (15000, "5 km")]
)
def test_scale_bars_are_round_and_at_most_a_third(width_m: float, text: str) -> None:
    assert metres(bar_metres(width_m)) == text
    assert width_m / 8 < bar_metres(width_m) <= width_m / 3


def test_layout_is_about_as_wide_as_high() -> None:
    assert [panel_columns(4, shape) for shape in (0.1, 1.0, 8.0)] == [1, 2, 4]
    assert [panel_columns(2, shape) for shape in (0.2, 1.33)] == [1, 2]
    assert [panel_columns(number, 1.0) for number in (1, 3, 5, 6)] == [1, 3, 3, 3]


def test_stretching_nothing_gives_nothing() -> None:
    assert np.isnan(stretch(np.full((3, 4, 5), np.nan))).all()
