"""Your own folder: labels in every form, polygons in every file, splits, validity, and one line for every mistake."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import shapely
from numpy.typing import NDArray
from PIL import Image
from pyproj import Transformer
from rasterio.crs import CRS
from rasterio.transform import Affine
from typer.testing import CliRunner

from builders import Recorded
from manet.cli import app
from manet.datasets.manifest import Manifest
from manet.datasets.sources import prepare_source
from manet.errors import DatasetError, DatasetNotFoundError, ManetError, OptionError, OutputError, SceneError
from manet.legend import IGNORED
from manet.raster.scene import Scene
from manet.raster.vectors import read_polygon_file

UTM = CRS.from_epsg(32632)
PLACE = Affine(0.5, 0, 500_000, 0, -0.5, 5_300_000)
HEIGHT, WIDTH = 96, 160
COLOURS = np.array([(235, 235, 225), (200, 60, 50), (40, 90, 200)], np.uint8)
LEGEND = """
ignored = {ignored}
[[classes]]
name = "background"
colour = [235, 235, 225]
foreground = false
{background}
[[classes]]
name = "building"
colour = [200, 60, 50]
{building}
[[classes]]
name = "water"
colour = [40, 90, 200]
{water}
"""


def write(path: Path, values: NDArray[Any], *, crs: CRS | None = UTM, place: Affine = PLACE, **profile: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    bands, height, width = values.shape
    names = profile.pop("names", None)
    size = {"count": bands, "height": height, "width": width, "dtype": values.dtype}
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=place, **size, **profile) as dataset:
        dataset.write(values)
        if names:
            dataset.descriptions = names
    return path


def legend(folder: Path, *, ignored: str = "[]", background: str = "", building: str = "", water: str = "") -> str:
    path = folder / "legend.toml"
    path.write_text(LEGEND.format(ignored=ignored, background=background, building=building, water=water))
    return str(path)


def classes(seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint8]:
    """Rectangles of three classes."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((height, width), np.uint8)
    for index in (1, 2, 1, 2):
        row, col = rng.integers(0, height - 20), rng.integers(0, width - 30)
        labels[row : row + 20, col : col + 30] = index
    return labels


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Three images of three bands."""
    rng = np.random.default_rng(0)
    for index in range(3):
        image = rng.integers(0, 255, (3, HEIGHT, WIDTH), dtype=np.uint8)
        place = PLACE @ Affine.translation(0, 200 * index)
        write(tmp_path / f"images/site {index}.tif", image, place=place, photometric="RGB")
    return tmp_path / "images"


@pytest.fixture
def label_folder(tmp_path: Path) -> Path:
    (tmp_path / "labels").mkdir()
    for index in range(3):
        Image.fromarray(classes(index)).save(tmp_path / f"labels/site {index}.png")
    return tmp_path / "labels"


def read_labels(out: Path, name: str) -> NDArray[np.uint8]:
    with rasterio.open(out / f"labels/{name}.tif") as dataset:
        return dataset.read(1)


def run(source: Path, out: Path, **settings: Any) -> tuple[Manifest, str]:
    """The manifest, and the lines that were told."""
    progress = Recorded()
    manifest = prepare_source("folder", out, source, progress=progress, **{"split": "file"} | settings)
    return manifest, "\n".join(progress.lines)


def refused(source: Path, out: Path, error: type[ManetError] = DatasetError, **settings: Any) -> str:
    """The one line of an error, and the setting that it names; nothing may have been written."""
    with pytest.raises(error) as info:
        run(source, out, **settings)
    assert "\n" not in str(info.value) and "--" not in str(info.value)
    assert not out.exists()
    return f"{info.value} ({info.value.option})"


def polygons(
    path: Path,
    shapes: list[shapely.Geometry],
    kinds: list[Any] | None = None,
    crs: str | None = "EPSG:32632",
    driver: str = "GeoJSON",
) -> Path:
    """Shapes given in pixels (x, y) of the first image."""
    a, e, c, f = PLACE.a, PLACE.e, PLACE.c, PLACE.f
    placed = shapely.transform(
        np.array(shapes, object), lambda xy: np.stack([xy[:, 0] * a + c, xy[:, 1] * e + f], axis=1)
    )
    if crs and crs != "EPSG:32632":
        move = Transformer.from_crs("EPSG:32632", crs, always_xy=True)
        placed = shapely.transform(placed, lambda xy: np.stack(move.transform(xy[:, 0], xy[:, 1]), axis=1))
    fields, data = (["kind"], [np.array(kinds)]) if kinds else ([], [])
    pyogrio.raw.write(
        path, shapely.to_wkb(placed), data, fields, crs=crs, geometry_type="Polygon", driver=driver, layer="drawn"
    )
    return path


# ---------------------------------------------------------------- label rasters


@pytest.mark.parametrize(
    "form", ["index", "colours", "palette", "values", "palette values", "16 bit", "float", "alpha"]
)
def test_label_rasters_of_every_form_give_the_same_classes(images: Path, tmp_path: Path, form: str) -> None:
    folder = tmp_path / "drawn"
    folder.mkdir()
    values = {"values": (0, 255, 7), "palette values": (3, 4, 9), "16 bit": (0, 300, 40_000)}.get(form)
    for index in range(3):
        labels, path = classes(index), folder / f"site {index}"
        if form in ("index", "values"):
            Image.fromarray(np.array(values or (0, 1, 2), np.uint8)[labels]).save(path.with_suffix(".png"))
        elif form == "colours":
            Image.fromarray(COLOURS[labels]).save(path.with_suffix(".png"))
        elif form == "alpha":
            alpha = np.full((*labels.shape, 1), 255, np.uint8)
            Image.fromarray(np.concatenate([COLOURS[labels], alpha], axis=2)).save(path.with_suffix(".png"))
        elif form.startswith("palette"):
            picture = Image.fromarray(np.array(values or (2, 0, 1), np.uint8)[labels]).convert("P")
            table = np.zeros((256, 3), np.uint8)
            table[list(values or (2, 0, 1))] = COLOURS if values is None else COLOURS[::-1]
            picture.putpalette(table.ravel().tolist())
            picture.save(path.with_suffix(".png"))
        elif form == "16 bit":
            write(
                path.with_suffix(".tif"),
                np.array(values, np.uint16)[labels][None],
                crs=None,
                place=Affine(1, 0, 9, 0, 1, 9),
            )
        else:
            write(
                path.with_suffix(".tif"),
                labels[None].astype(np.float32),
                place=PLACE @ Affine.translation(0, 200 * index),
            )
    stated = dict(zip(("background", "building", "water"), (f"value = {v}" for v in values or ()), strict=False))
    manifest, _ = run(images, tmp_path / "out", labels=folder, legend=legend(tmp_path, **stated))
    assert manifest.legend.names == ["background", "building", "water"]
    assert manifest.bands == ("red", "green", "blue")
    for index in range(3):
        assert (read_labels(tmp_path / "out", f"site {index}") == classes(index)).all()
        with (
            rasterio.open(images / f"site {index}.tif") as a,
            rasterio.open(tmp_path / f"out/images/site {index}.tif") as b,
        ):
            assert (a.read() == b.read()).all()
            assert a.transform.almost_equals(b.transform)


def test_images_and_labels_side_by_side_need_no_labels_flag(images: Path, label_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ["prepare", "folder", "--source", tmp_path, "--out", out, "--legend", legend(tmp_path), "--split", "file"]
    result = CliRunner().invoke(app, [*map(str, options)])
    assert result.exit_code == 0, result.output
    assert "areas: train 1" in result.output
    result = CliRunner().invoke(app, [*map(str, options)])
    assert isinstance(result.exception, OutputError)


def test_strays_are_counted_and_located_refused_or_ignored(images: Path, label_folder: Path, tmp_path: Path) -> None:
    labels = classes(1)
    labels[40:42, 50:53] = 9
    Image.fromarray(labels).save(label_folder / "site 1.png")
    given = {"labels": label_folder, "legend": legend(tmp_path)}
    message = refused(images, tmp_path / "out", **given)
    assert "value 9 in 6 pixels" in message and message.endswith("(stray)")
    assert "row 40, column 50" in message
    assert "site 1.png" in message
    manifest, told = run(images, tmp_path / "out", **given, stray="ignore")
    assert "value 9 in 6 pixels" in told
    written = read_labels(tmp_path / "out", "site 1")
    assert (written[40:42, 50:53] == IGNORED).all()
    assert (written == IGNORED).sum() == 6
    assert sum(map(sum, manifest.pixels.values())) == 3 * HEIGHT * WIDTH - 6


def test_stray_colours_are_named(images: Path, tmp_path: Path) -> None:
    (tmp_path / "drawn").mkdir()
    for index in range(3):
        picture = COLOURS[classes(index)]
        picture[0, :7] = (1, 2, 3)
        picture[5, 5] = (155, 155, 155)
        Image.fromarray(picture).save(tmp_path / f"drawn/site {index}.png")
    message = refused(images, tmp_path / "out", labels=tmp_path / "drawn", legend=legend(tmp_path))
    assert "colour (1, 2, 3) in 21 pixels (first: row 0, column 0 of" in message
    given = legend(tmp_path, ignored="[[1, 2, 3], [155, 155, 155]]")
    run(images, tmp_path / "out", labels=tmp_path / "drawn", legend=given)
    assert (read_labels(tmp_path / "out", "site 0") == IGNORED).sum() == 8


def test_nodata_of_labels_is_ignored_unless_the_legend_has_a_class_for_it(images: Path, tmp_path: Path) -> None:
    for index in range(3):
        place = PLACE @ Affine.translation(0, 200 * index)
        write(tmp_path / f"drawn/site {index}.tif", classes(index)[None], place=place, nodata=0)
    given: dict[str, Any] = {"labels": tmp_path / "drawn"}
    _, told = run(images, tmp_path / "one", **given, legend=legend(tmp_path))
    assert "call 0 nodata" in told
    assert (read_labels(tmp_path / "one", "site 0") == np.where(classes() == 0, IGNORED, classes())).all()
    stated = legend(tmp_path, background="value = 0", building="value = 1", water="value = 2")
    run(images, tmp_path / "two", **given, legend=stated)
    assert (read_labels(tmp_path / "two", "site 0") == classes()).all()


def test_labels_that_do_not_belong_to_their_image_are_refused(images: Path, label_folder: Path, tmp_path: Path) -> None:
    given: dict[str, Any] = {"labels": label_folder, "legend": legend(tmp_path)}
    (label_folder / "site 2.png").rename(label_folder / "elsewhere.png")
    message = refused(images, tmp_path / "out", DatasetNotFoundError, **given)
    assert "1 of 3 images have no labels" in message
    assert "'site 2'" in message
    Image.fromarray(classes(2)[1:]).save(label_folder / "site 2.png")
    assert "95 x 160 pixels" in refused(images, tmp_path / "out", **given)
    (label_folder / "site 2.png").unlink()
    write(label_folder / "site 2.tif", classes(2)[None], place=PLACE @ Affine.translation(0, 403))
    assert "lies elsewhere" in refused(images, tmp_path / "out", **given)
    assert "(legend)" in refused(images, tmp_path / "out", OptionError, labels=label_folder)
    for option in ({"attribute": "kind"}, {"outside_polygons": "ignore"}):
        assert "polygons" in refused(images, tmp_path / "out", OptionError, **given | option)
    missing = given | {"labels": tmp_path / "none"}
    assert "(labels)" in refused(images, tmp_path / "out", DatasetNotFoundError, **missing)
    (label_folder / "site 2.tif").write_text("no image")
    refused(images, tmp_path / "out", SceneError, **given)


# ---------------------------------------------------------------- polygons


@pytest.fixture
def one_image(tmp_path: Path) -> Path:
    image = np.random.default_rng(0).integers(0, 255, (3, HEIGHT, WIDTH), dtype=np.uint8)
    write(tmp_path / "images/north.tif", image, photometric="RGB")
    return tmp_path / "images"


SHAPES = [shapely.box(10, 10, 40, 30), shapely.box(100, 50, 140, 80), shapely.box(60, 5, 80, 90)]


def drawn() -> NDArray[np.uint8]:
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[10:30, 10:40], labels[50:80, 100:140], labels[5:90, 60:80] = 1, 1, 2
    return labels


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32632", "EPSG:25833"])
@pytest.mark.parametrize(("driver", "suffix"), [("GeoJSON", "geojson"), ("GPKG", "gpkg"), ("ESRI Shapefile", "shp")])
def test_polygons_of_any_file_and_crs(one_image: Path, tmp_path: Path, crs: str, driver: str, suffix: str) -> None:
    path = polygons(tmp_path / f"drawn.{suffix}", SHAPES, ["house", "shed", "lake"], crs, driver)
    given = legend(tmp_path, building='value = ["house", "shed"]', water='value = "lake"')
    shared: dict[str, Any] = {"labels": path, "legend": given, "attribute": "kind", "split": "blocks"}
    _, told = run(one_image, tmp_path / "out", **shared, outside_polygons="background")
    assert (read_labels(tmp_path / "out", "north") == drawn()).all()
    assert "polygons: 2 building, 1 water" in told
    assert "pixels in no polygon: class 'background'" in told
    _, told = run(one_image, tmp_path / "ignored", **shared, outside_polygons="ignore")
    assert (read_labels(tmp_path / "ignored", "north") == np.where(drawn() == 0, IGNORED, drawn())).all()
    assert "pixels in no polygon: ignored" in told


def test_overlaps_and_self_crossings_are_handled_and_counted(one_image: Path, tmp_path: Path) -> None:
    bow_tie = shapely.Polygon([(10, 10), (50, 50), (50, 10), (10, 50)])
    shapes = [bow_tie, shapely.box(60, 10, 100, 50), shapely.box(80, 10, 120, 50), shapely.box(120, 10, 130, 50)]
    path = polygons(tmp_path / "drawn.geojson", shapes, [1, 1, 2, 2])
    given = legend(tmp_path, building="value = 1", water="value = 2")
    settings: dict[str, Any] = {"labels": path, "legend": given, "attribute": "kind", "split": "blocks"}
    _, told = run(one_image, tmp_path / "out", **settings, outside_polygons="background")
    assert "made valid: 1\n" in told
    assert "overlap by a pixel's area or more: 1, of different classes: 1;" in told
    labels = read_labels(tmp_path / "out", "north")
    assert (labels[10:50, 60:80] == 1).all()
    assert (labels[10:50, 80:130] == 2).all()
    assert labels[30, 12] == 1
    assert labels[30, 48] == 1
    assert labels[12, 30] == 0
    assert abs((labels[:, :55] == 1).sum() - 800) < 60


def test_outside_the_area_all_is_ignored(one_image: Path, tmp_path: Path) -> None:
    area = polygons(tmp_path / "area.geojson", [shapely.box(0, 0, 90, 96)], crs="EPSG:4326")
    path = polygons(tmp_path / "drawn.geojson", SHAPES, ["house", "house", "lake"])
    given = legend(tmp_path, building='value = "house"', water='value = "lake"')
    settings: dict[str, Any] = {"legend": given, "attribute": "kind", "split": "blocks", "area": area}
    _, told = run(one_image, tmp_path / "out", **settings, labels=path, outside_polygons="background")
    assert "pixels outside the area of area.geojson: ignored" in told
    expected = drawn()
    expected[:, 90:] = IGNORED
    assert (read_labels(tmp_path / "out", "north") == expected).all()


def test_one_class_of_polygons_needs_no_attribute(one_image: Path, tmp_path: Path) -> None:
    path = polygons(tmp_path / "drawn.geojson", SHAPES)
    given: dict[str, Any] = {"labels": path, "split": "blocks", "outside_polygons": "background"}
    run(one_image, tmp_path / "out", **given, legend="buildings")
    assert (read_labels(tmp_path / "out", "north") == (drawn() > 0)).all()
    given["legend"] = legend(tmp_path)
    assert "(attribute)" in refused(one_image, tmp_path / "two", OptionError, **given)


def test_polygons_that_cannot_be_used_are_refused(one_image: Path, tmp_path: Path) -> None:
    out, path = tmp_path / "out", polygons(tmp_path / "drawn.geojson", SHAPES, ["house", "shed", "lake"])
    given: dict[str, Any] = {"labels": path, "split": "blocks", "outside_polygons": "background", "attribute": "kind"}
    known = legend(tmp_path, building='value = "house"', water='value = "lake"')
    message = refused(one_image, out, **given, legend=known)
    assert "'shed' (1), first in feature 1" in message and message.endswith("(stray)")
    assert "one of kind" in refused(one_image, out, **given | {"attribute": "sort"}, legend=known)
    unsaid = given | {"outside_polygons": None}
    assert "(outside_polygons)" in refused(one_image, out, OptionError, **unsaid, legend=known)
    _, told = run(one_image, tmp_path / "ignored", **given, legend=known, stray="ignore")
    assert "ignored" in told and "'shed' (1)" in told
    assert (read_labels(tmp_path / "ignored", "north")[50:80, 100:140] == IGNORED).all()

    with pytest.warns(UserWarning, match="crs"):
        bare = polygons(tmp_path / "bare.shp", SHAPES, crs=None, driver="ESRI Shapefile")
    assert "has no CRS" in refused(one_image, out, **given | {"labels": bare, "attribute": None}, legend="buildings")
    far = [shapely.box(9000, 9000, 9100, 9100)]
    away = polygons(tmp_path / "away.geojson", far)
    given |= {"legend": "buildings", "attribute": None}
    assert "lies on an image" in refused(one_image, out, **given | {"labels": away})
    (tmp_path / "text.geojson").write_text("nothing")
    assert "cannot be read as polygons" in refused(one_image, out, **given | {"labels": tmp_path / "text.geojson"})
    write(one_image / "north.tif", np.ones((3, HEIGHT, WIDTH), np.uint8), crs=None, place=Affine(1, 0, 5, 0, 1, 5))
    assert "has no CRS" in refused(one_image, out, **given | {"labels": path})


def test_images_without_a_polygon_are_refused_or_told(images: Path, tmp_path: Path) -> None:
    path = polygons(tmp_path / "drawn.geojson", SHAPES)
    given: dict[str, Any] = {"labels": path, "legend": "buildings", "split": "blocks"}
    message = refused(images, tmp_path / "out", **given, outside_polygons="ignore")
    assert "2 of 3 images have no polygon" in message
    assert "'site 1'" in message and message.endswith("(outside_polygons)")
    _, told = run(images, tmp_path / "out", **given, outside_polygons="background")
    assert "only background: 2" in told


def test_points_and_missing_shapes_are_left_out_and_counted(tmp_path: Path) -> None:
    shapes = [shapely.to_wkb(shapely.box(0, 0, 1, 1)), shapely.to_wkb(shapely.Point(1, 1)), None]
    path = tmp_path / "mixed.geojson"
    data = [np.array([1.0, 2.5, 3.0])]
    pyogrio.raw.write(path, np.array(shapes, object), data, ["kind"], crs="EPSG:4326", geometry_type="Unknown")
    file = read_polygon_file(path, "kind")
    assert (file.left_out, file.values, file.features) == (2, ["1"], [0])


# ---------------------------------------------------------------- images


@pytest.mark.parametrize(
    ("dtype", "bands", "nodata"), [("uint8", 1, 7), ("uint8", 4, None), ("uint16", 5, 0), ("float32", 13, None)]
)
def test_types_bands_and_validity_are_kept(tmp_path: Path, dtype: str, bands: int, nodata: int | None) -> None:
    rng = np.random.default_rng(1)
    image = rng.integers(1, 7 if nodata == 7 else 200, (bands, HEIGHT, WIDTH)).astype(dtype)
    valid = np.ones((HEIGHT, WIDTH), bool)
    if bands != 4:
        valid[-20:, -30:] = False
        image[:, ~valid] = np.nan if dtype == "float32" else nodata
    names = [f"b{index}" for index in range(bands)]
    profile = {"nodata": nodata} if nodata is not None else {}
    write(tmp_path / "images/north.tif", image, names=names, photometric="MINISBLACK", **profile)
    write(tmp_path / "labels/north.tif", classes()[None])
    manifest, _ = run(tmp_path, tmp_path / "out", legend=legend(tmp_path), split="blocks")
    assert (manifest.dtype, manifest.bands) == (dtype, tuple(names))
    with Scene(tmp_path / "out/images/north.tif") as scene:
        read, known = scene.read(scene.window)
    assert (scene.dtype, scene.bands) == (dtype, bands)
    assert (known == valid).all()
    assert (read[:, valid] == image[:, valid]).all()
    assert (read_labels(tmp_path / "out", "north") == np.where(valid, classes(), IGNORED)).all()
    with rasterio.open(tmp_path / "out/images/north.tif") as dataset:
        assert (dataset.mask_flag_enums[0][0].name == "per_dataset") != valid.all()
    assert np.isfinite(manifest.statistics.mean).all()
    assert not list((tmp_path / "out/images").glob("*.msk"))


def test_alpha_becomes_validity(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (4, HEIGHT, WIDTH), dtype=np.uint8)
    image[3] = 255
    image[3, :, :25] = 0
    write(tmp_path / "images/north.tif", image, photometric="RGB", alpha="YES")
    write(tmp_path / "labels/north.tif", classes()[None])
    manifest, told = run(tmp_path, tmp_path / "out", legend=legend(tmp_path), split="blocks")
    assert manifest.bands == ("red", "green", "blue")
    assert "alpha band" in told
    with Scene(tmp_path / "out/images/north.tif") as scene:
        assert (scene.read(scene.window)[1] == (image[3] > 0)).all()


def test_images_that_do_not_go_together_are_refused(images: Path, label_folder: Path, tmp_path: Path) -> None:
    given: dict[str, Any] = {"labels": label_folder, "legend": legend(tmp_path)}
    blank = np.zeros((3, HEIGHT, WIDTH), np.uint8)
    last = images / "site 2.tif"
    for values, place, crs, said in (
        (blank[:2], PLACE, UTM, "has 2 bands, "),
        (blank.astype(np.uint16), PLACE, UTM, "has uint16 values"),
        (blank, PLACE @ Affine.scale(2), UTM, "has 1 m per pixel"),
        (blank, PLACE, None, "has no CRS"),
    ):
        colours = {"photometric": "RGB"} if len(values) == 3 else {}
        write(last, values, crs=crs, place=place, **colours)
        message = refused(images, tmp_path / "out", **given)
        assert said in message
        assert "site 2.tif" in message
        assert "site 0.tif has" in message
    write(images / "site 0.tif", blank.astype(np.float64))
    assert "float64" in refused(images, tmp_path / "out", **given)
    Image.fromarray(blank[0]).save(images / "site 0.png")
    assert "have one name" in refused(images, tmp_path / "out", **given)
    (tmp_path / "empty").mkdir()
    assert "has no images" in refused(tmp_path / "empty", tmp_path / "out", DatasetNotFoundError, **given)


# ---------------------------------------------------------------- splits


def test_splits_by_blocks_cover_all_and_depend_on_the_seed_alone(tmp_path: Path) -> None:
    write(tmp_path / "images/north.tif", np.ones((1, 330, 500), np.uint8))
    write(tmp_path / "labels/north.tif", classes(0, 330, 500)[None])
    given: dict[str, Any] = {"legend": legend(tmp_path), "split": "blocks"}
    first, again, other = (run(tmp_path, tmp_path / f"out{k}", **given, seed=s)[0] for k, s in enumerate((3, 3, 4)))
    assert first.splits == again.splits != other.splits
    sizes = {split: sum(a.height * a.width for a in areas) for split, areas in first.splits.items()}
    assert sum(sizes.values()) == 330 * 500
    assert 0.6 < sizes["train"] / (330 * 500) < 0.8
    assert sizes["validation"] == pytest.approx(sizes["test"], rel=0.05)


def test_given_splits_as_toml_and_csv(images: Path, label_folder: Path, tmp_path: Path) -> None:
    toml, csv = tmp_path / "split.toml", tmp_path / "split.csv"
    areas = [("train", "site 0", 0, 48), ("validation", "site 0", 48, 48), ("test", "site 1", 0, 96)]
    toml.write_text(
        "".join(f'[[areas]]\nsplit = "{s}"\nscene = "{n}"\nrow = {r}\nheight = {h}\n' for s, n, r, h in areas)
    )
    csv.write_text("split,scene,row,height,col,width\n" + "".join(f"{s},{n},{r},{h},,\n" for s, n, r, h in areas))
    given: dict[str, Any] = {"labels": label_folder, "legend": legend(tmp_path)}
    first, _ = run(images, tmp_path / "out", **given, split=str(toml))
    second, _ = run(images, tmp_path / "two", **given, split=str(csv))
    assert first.splits == second.splits
    assert first.splits["validation"][0].window.height == 48
    assert first.splits["validation"][0].window.width == WIDTH

    for wrong, said in (
        ("train,south,0,9,0,9", "names scene 'south'"),
        ("train,site 0,90,9,0,9", "reaches beyond scene 'site 0'"),
        ("learn,site 0,0,9,0,9", "split is 'learn'; expected 'train'"),
        ("test,site 0,0,9,0,9", "no area of the train split"),
        ("train,site 0,0,9,0,9\ntest,site 0,5,9,0,9", "overlap"),
    ):
        csv.write_text(f"split,scene,row,height,col,width\n{wrong}\n")
        assert said in refused(images, tmp_path / "three", **given, split=str(csv))
    assert "(split)" in refused(images, tmp_path / "three", DatasetNotFoundError, **given, split="fiel")


# ---------------------------------------------------------------- the rest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[classes]", "is not TOML"),
        ('[[classes]]\nname = "a"\ncolour = [0, 0, 0]', "at least 2"),
        ('[[classes]]\nname = "a"\ncolor = [0, 0, 0]', "unknown key 'color' of classes (number 1)"),
        (LEGEND.format(ignored="[1]", background="value = 1", building="", water=""), "is there twice"),
        (LEGEND.format(ignored="[[200, 60, 50]]", background="", building="", water=""), "is ignored as well"),
    ],
)
def test_broken_legends_are_refused(images: Path, label_folder: Path, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "broken.toml").write_text(text)
    assert said in refused(images, tmp_path / "out", labels=label_folder, legend=str(tmp_path / "broken.toml"))
    unknown = {"labels": label_folder, "legend": "ispr"}
    assert "nearest: isprs" in refused(images, tmp_path / "out", DatasetNotFoundError, **unknown)


def test_mistakes_are_one_line_and_status_2(images: Path, tmp_path: Path) -> None:
    manet = [sys.executable, "-m", "manet"]
    options = ["folder", "--source", images, "--labels", tmp_path, "--legend", "buildings", "--out", tmp_path / "out"]
    for arguments, said in ((["fodler"], "nearest: folder"), (options, "has no label rasters")):
        (tmp_path / "drawn.geojson").write_text("{}")
        done = subprocess.run([*manet, "prepare", *map(str, arguments)], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
        assert not done.stdout or "uint8" in done.stdout
