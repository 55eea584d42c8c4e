"""What users bring, tried with fresh eyes and answered wrongly once: the right value, or the one line that is said."""

import json
import os
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import shapely
from PIL import Image
from rasterio.transform import Affine

import manet
from builders import Recorded, Run, card, one_line
from manet.datasets.sources import prepare_source
from manet.errors import DatasetError, OutputError, SceneError
from manet.legend import IGNORED
from manet.prediction.adapt import adapt_scene
from manet.prediction.outputs import Outputs
from manet.raster.inputs import find_scenes
from manet.raster.scene import Scene
from manet.raster.vectors import read_polygon_file
from manet.runtime.other_card import OtherCard, read_other_card

PLACE = Affine(0.5, 0, 500_000, 0, -0.5, 5_400_000)
SHAPE = (48, 64)


def squares(seed: int = 0) -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    labels[10 : 20 + seed, 20:40] = 1
    return labels


def write(path: Path, values: np.ndarray, **more: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = values[None] if values.ndim == 2 else values
    size = {"count": len(values), "height": values.shape[1], "width": values.shape[2], "dtype": values.dtype}
    kind = {"driver": "GTiff", "crs": "EPSG:32633", "transform": PLACE} | more
    with rasterio.open(path, "w", **size, **kind) as raster:
        raster.write(values)
    return path


def image(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(20, 230, (3, *SHAPE)).astype(np.uint8)


def place(seed: int) -> Affine:
    return PLACE @ Affine.translation(0, 100 * seed)


def write_images(folder: Path, names: tuple[str, ...] = ("a", "b", "c")) -> Path:
    for seed, name in enumerate(names):
        write(folder / f"{name}.tif", image(seed), transform=place(seed))
    return folder


def prepare(images: Path, labels: Path, out: Path, **settings: Any) -> list[str]:
    """What was told."""
    progress = Recorded()
    given = {"legend": "buildings", "split": "file", "labels": labels} | settings
    prepare_source("folder", out, images, progress=progress, **given)
    return progress.lines


def labels_of(out: Path, name: str) -> np.ndarray:
    with rasterio.open(out / f"labels/{name}.tif") as raster:
        return raster.read(1)


def test_masks_of_one_bit_hold_values(tmp_path: Path) -> None:
    """GDAL gives every image of one bit a palette of black and white, which no legend has."""
    images = write_images(tmp_path / "images")
    for seed, name in enumerate("abc"):
        write(tmp_path / f"labels/{name}.tif", squares(seed), nbits=1, transform=place(seed))
        (tmp_path / "png").mkdir(exist_ok=True)
        Image.fromarray(squares(seed) > 0).save(tmp_path / f"png/{name}.png")
    for kind in ("labels", "png"):
        told = prepare(images, tmp_path / kind, tmp_path / f"out {kind}")
        assert "label rasters: 3 by values" in told
        np.testing.assert_array_equal(labels_of(tmp_path / f"out {kind}", "b"), squares(1))


def test_greys_that_are_classes_stay_colours(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images")
    for seed, name in enumerate("abc"):
        write(tmp_path / f"labels/{name}.tif", squares(seed), nbits=1, transform=place(seed))
    legend = tmp_path / "legend.toml"
    legend.write_text(
        '[[classes]]\nname = "white"\ncolour = [255, 255, 255]\n[[classes]]\nname = "black"\ncolour = [0, 0, 0]\n'
    )
    prepare(images, tmp_path / "labels", tmp_path / "out", legend=str(legend))
    np.testing.assert_array_equal(labels_of(tmp_path / "out", "a"), 1 - squares(0))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_photographs_that_are_stored_turned(tmp_path: Path) -> None:
    """Upside down, labels would have the size of their image and lie on other pixels."""
    (tmp_path / "images").mkdir()
    for name in "abc":
        photo = Image.fromarray(image().transpose(1, 2, 0))
        exif = photo.getexif()
        exif[0x0112] = 3
        photo.save(tmp_path / f"images/{name}.jpg", exif=exif)
        write(tmp_path / f"labels/{name}.tif", squares())
    with pytest.raises(DatasetError, match=r"a\.jpg is stored turned \(EXIF orientation 3\)"):
        prepare(tmp_path / "images", tmp_path / "labels", tmp_path / "out")
    with Scene(tmp_path / "images/a.jpg") as scene:
        assert any("EXIF orientation 3" in warning for warning in adapt_scene(scene, card()).warnings)


def test_a_scene_without_a_valid_pixel_is_said(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    with rasterio.open(write(tmp_path / "hidden.tif", image()), "r+") as raster:
        raster.write_mask(np.zeros(SHAPE, np.uint8))
    out = tmp_path / "map.tif"
    status, text, _ = run("predict", checkpoint, tmp_path / "hidden.tif", "--native", "--device", "cpu", "--out", out)
    assert status == 0 and "no pixel of" in text and "nodata everywhere" in text
    with rasterio.open(out) as raster:
        assert (raster.read(1) == IGNORED).all()
    status, text, _ = run(
        "predict", checkpoint, write(tmp_path / "seen.tif", image()), "--native", "--device", "cpu", "--out", out,
        "--overwrite",
    )  # fmt: skip
    assert status == 0 and "no pixel of" not in text


def test_polygons_in_collections_count(tmp_path: Path) -> None:
    box, point = shapely.box(0, 0, 2, 2), shapely.Point(9, 9)
    shapes = [shapely.GeometryCollection([box, point]), shapely.box(3, 3, 4, 4), shapely.GeometryCollection([point])]
    shapes.append(shapely.Polygon([(5, 5), (6, 6), (5, 5)]))  # of no surface
    path = tmp_path / "mixed.gpkg"
    pyogrio.raw.write(
        path, shapely.to_wkb(np.array(shapes, object)), [np.arange(4)], ["id"], driver="GPKG", layer="l",
        geometry_type="Unknown", crs="EPSG:32633",
    )  # fmt: skip
    file = read_polygon_file(path)
    assert [shape.area for shape in file.polygons] == [4, 1] and file.features == [0, 1] and file.left_out == 2


def test_composed_and_decomposed_names_are_one(tmp_path: Path) -> None:
    """macOS writes an umlaut as two characters."""
    composed, decomposed = (unicodedata.normalize(form, "Gebäude") for form in ("NFC", "NFD"))
    images = write_images(tmp_path / "images", (decomposed, "b", "c"))
    for seed, name in enumerate((composed, "b", "c")):
        write(tmp_path / f"labels/{name}.tif", squares(seed), transform=place(seed))
    split = tmp_path / "split.csv"
    split.write_text(f"split,scene\ntrain,{decomposed}\nvalidation,b\ntest,c\n", encoding="utf-8")
    prepare(images, tmp_path / "labels", tmp_path / "out", split=str(split))
    np.testing.assert_array_equal(labels_of(tmp_path / "out", composed), squares(0))


def test_names_that_differ_in_case_are_told(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", ("A", "b", "c"))
    for seed, name in enumerate("abc"):
        write(tmp_path / f"labels/{name}.tif", squares(seed))
    with pytest.raises(DatasetError, match=r"first: 'A', though some of 'a', whose letters differ in case"):
        prepare(images, tmp_path / "labels", tmp_path / "out")


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (lambda path: Outputs(path / "map.png"), "map.png is not a name for a GeoTIFF"),
        (lambda path: Outputs(path / "map"), "is not a name for a GeoTIFF"),
        (lambda path: Outputs(path / "map.tif", probabilities=path / "p.npz"), "p.npz is not a name for a GeoTIFF"),
        (lambda path: Outputs(path / "map.tif", surfaces=path / "a.xlsx"), "a.xlsx is not a name for a table"),
    ],
)
def test_a_name_says_what_a_file_is(outputs: Callable[[Path], Outputs], said: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=said):
        outputs(tmp_path).check()
    with pytest.raises(OutputError, match="GeoTIFF"):
        manet.write_change_map(tmp_path / "a.tif", tmp_path / "b.tif", tmp_path / "c.png")


def test_empty_arguments_are_no_folder(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of the shell that is not set: the current folder would be mapped."""
    write(tmp_path / "scene.tif", image())
    monkeypatch.chdir(tmp_path)
    for arguments in (("predict", "--model", "town", ""), ("info", ""), ("polygons", "scene.tif", "--out=")):
        status, _, error = run(*arguments)
        assert status == 2 and "empty argument" in one_line(error)
    assert [path.name for path in tmp_path.iterdir()] == ["scene.tif"]


def test_containers_are_no_images(tmp_path: Path) -> None:
    path = tmp_path / "two.gpkg"
    for table in ("one", "two"):
        write(path, image(), driver="GPKG", RASTER_TABLE=table, APPEND_SUBDATASET="YES")
    with pytest.raises(SceneError, match=r"holds several images; give one of them by its name: GPKG:.*:one, GPKG"):
        Scene(path)
    with Scene(f"GPKG:{path}:one") as scene:
        assert scene.bands >= 3


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_a_pipe_is_no_image(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tif")
    with pytest.raises(SceneError, match="is a pipe or a device"):  # to open it would wait for ever
        Scene(tmp_path / "pipe.tif")


def test_scales_and_offsets_are_not_applied_and_that_is_said(tmp_path: Path) -> None:
    with rasterio.open(write(tmp_path / "scaled.tif", image()), "r+") as raster:
        raster.scales, raster.offsets = (1e-4,) * 3, (-0.1,) * 3
    with Scene(tmp_path / "scaled.tif") as scene:
        assert any("scale or an offset" in note for note in adapt_scene(scene, card()).notes)
        np.testing.assert_array_equal(scene.read(scene.window)[0], image())
    with Scene(write(tmp_path / "plain.tif", image())) as scene:
        assert not any("scale or an offset" in note for note in adapt_scene(scene, card()).notes)


def test_a_terminal_without_a_width_shows_all(monkeypatch: pytest.MonkeyPatch) -> None:
    from manet.cli.console import new_console

    monkeypatch.setenv("COLUMNS", "0")
    assert new_console().width == 80


def test_one_polygon_is_one(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "map.tif", np.ones(SHAPE, np.uint8))
    status, text, _ = run("polygons", path, "--out", tmp_path / "p.gpkg")
    assert status == 0 and "\n1 polygon: " in text


def test_changes_of_maps_with_other_values(tmp_path: Path) -> None:
    path = write(tmp_path / "tens.tif", squares() * 10)
    with pytest.raises(SceneError, match="renumber the classes from 0"):
        manet.write_change_map(path, path, tmp_path / "change.tif")


def test_an_area_that_lies_elsewhere_is_said(tmp_path: Path) -> None:
    images, labels = write_images(tmp_path / "images"), tmp_path / "labels"
    for seed, name in enumerate("abc"):
        write(labels / f"{name}.tif", squares(seed), transform=place(seed))
    area = tmp_path / "area.gpkg"
    pyogrio.raw.write(
        area, shapely.to_wkb(np.array([shapely.box(0, 0, 1, 1)], object)), [np.arange(1)], ["id"], driver="GPKG",
        geometry_type="Polygon", crs="EPSG:32633",
    )  # fmt: skip
    with pytest.raises(DatasetError, match=r"no polygon of the area .*area\.gpkg lies on an image"):
        prepare(images, labels, tmp_path / "out", area=area)


def test_json_with_a_byte_order_mark(tmp_path: Path) -> None:
    """As Notepad saves it."""
    item = {"type": "Feature", "id": "a", "assets": {"data": {"href": "scene.tif", "type": "image/tiff"}}}
    (tmp_path / "item.json").write_text(json.dumps(item), encoding="utf-8-sig")
    (scene,) = find_scenes([str(tmp_path / "item.json")])
    assert scene.path == str(tmp_path / "scene.tif")
    card = OtherCard(classes=("a", "b"), mean=(0.5,) * 3, std=(0.2,) * 3)
    (tmp_path / "x.card.json").write_text(card.model_dump_json(), encoding="utf-8-sig")
    assert read_other_card(tmp_path / "x.onnx", {}) == card
