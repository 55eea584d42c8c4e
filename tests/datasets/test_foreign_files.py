"""Files as others make them, each of which was answered wrongly once: the right value, or the one line that is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import shapely
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.transform import Affine

from builders import Recorded, card
from manet.csv_rows import read_csv
from manet.datasets.sources import prepare_source
from manet.errors import DatasetError, OutputError, SceneError
from manet.legend import IGNORED
from manet.prediction.adapt import adapt_scene
from manet.raster.polygons import write_polygons
from manet.raster.scene import Scene
from manet.raster.windows import Window

PLACE = Affine(0.5, 0, 500_000, 0, -0.5, 5_400_000)
HEIGHT, WIDTH = 96, 160
AREAS = "split,scene,row,col,height,width\ntrain,a,0,0,48,160\nvalidation,a,48,0,24,160\ntest,a,72,0,24,160\n"
LOCAL = 'LOCAL_CS["site grid",UNIT["metre",1]]'


def write(path: Path, values: np.ndarray, crs: str | None = "EPSG:32633", place: Affine = PLACE, **more: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    mask, alpha = more.pop("mask", None), more.pop("alpha", None)
    layers = values if alpha is None else np.concatenate([values, alpha[None]])
    size = {"count": len(layers), "height": values.shape[1], "width": values.shape[2], "dtype": values.dtype}
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=place, **size, **more) as raster:
        raster.write(layers)
        if alpha is not None:
            raster.colorinterp = [*raster.colorinterp[:-1], rasterio.enums.ColorInterp.alpha]
        if mask is not None:
            raster.write_mask(mask)
    return path


def image(dtype: str = "uint8", bands: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(20, 230, (bands, HEIGHT, WIDTH)).astype(dtype)


def squares() -> np.ndarray:
    labels = np.zeros((1, HEIGHT, WIDTH), np.uint8)
    labels[0, 10:40, 20:70], labels[0, 50:80, 100:150] = 1, 1
    return labels


def valid_of(path: Path) -> np.ndarray:
    with Scene(path) as scene:
        return scene.read(scene.window)[1]


def test_nodata_counts_beside_alpha_and_masks(tmp_path: Path) -> None:
    values = image()
    values[:, :20] = 7
    visible = np.full((HEIGHT, WIDTH), 255, np.uint8)
    visible[-10:] = 0
    for name, more in (("alpha", {"alpha": visible}), ("mask", {"mask": visible})):
        valid = valid_of(write(tmp_path / f"{name}.tif", values, nodata=7, **more))
        assert not valid[:20].any() and not valid[-10:].any() and valid[20:-10].all(), name


def test_nodata_in_one_band_is_no_measurement(tmp_path: Path) -> None:
    heights = image("float32", 4)
    heights[3, :30, 5:] = -9999
    path = write(tmp_path / "heights.tif", heights, nodata=-9999)
    assert (~valid_of(path)).sum() == 30 * (WIDTH - 5)
    with Scene(path) as scene, scene.at(1.0) as coarse:
        values, valid = coarse.read(coarse.window)
        assert values[:, valid].min() > 0 and not valid[:14, 4:].any()
    colours = image()
    colours[0, :30], colours[:, 50:60] = 0, 0  # dark in one band is a colour; black in all is nodata
    assert (~valid_of(write(tmp_path / "colours.tif", colours, nodata=0))).sum() == 10 * WIDTH


def test_bands_of_several_types_are_read_as_one(tmp_path: Path) -> None:
    write(tmp_path / "rgb.tif", image())
    write(tmp_path / "heights.tif", np.full((1, HEIGHT, WIDTH), 210.7, np.float32))

    def band(number: int, kind: str, file: str, source: int) -> str:
        return (
            f'<VRTRasterBand dataType="{kind}" band="{number}"><SimpleSource><SourceFilename relativeToVRT="1">{file}'
            f"</SourceFilename><SourceBand>{source}</SourceBand></SimpleSource></VRTRasterBand>"
        )

    bands = [*(band(k, "Byte", "rgb.tif", k) for k in (1, 2, 3)), band(4, "Float32", "heights.tif", 1)]
    head = f'<VRTDataset rasterXSize="{WIDTH}" rasterYSize="{HEIGHT}">'
    (tmp_path / "mixed.vrt").write_text(f"{head}{''.join(bands)}</VRTDataset>")
    with Scene(tmp_path / "mixed.vrt") as scene:
        values, valid = scene.read(Window(3, 5, 20, 30))
    assert scene.dtype == "float32" and valid.all()
    np.testing.assert_array_equal(values[:3], image()[:, 3:23, 5:35])
    np.testing.assert_allclose(values[3], 210.7, rtol=1e-6)


def test_a_local_crs_is_an_unknown_place(tmp_path: Path) -> None:
    with Scene(write(tmp_path / "site.tif", image(), crs=LOCAL)) as scene:
        assert scene.gsd_m() is None
        adapted = adapt_scene(scene, card())
    assert adapted.resampled is None and any("unknown" in note for note in adapted.notes)


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
def test_control_points_and_palettes_are_said(tmp_path: Path) -> None:
    points = [GroundControlPoint(r, c, 500_000 + c, 5_400_000 - r) for r, c in ((0, 0), (0, 150), (90, 0))]
    path = tmp_path / "points.tif"
    size = {"count": 3, "height": HEIGHT, "width": WIDTH, "dtype": "uint8"}
    with rasterio.open(path, "w", driver="GTiff", **size) as raster:
        raster.gcps = (points, CRS.from_epsg(32633))
        raster.write(image())
    with Scene(path) as scene:
        assert any(
            "placed by 3 control points, which are not used" in line for line in adapt_scene(scene, card()).warnings
        )
    palette = tmp_path / "palette.tif"
    place = {"crs": "EPSG:32633", "transform": PLACE, "count": 1}
    with rasterio.open(palette, "w", driver="GTiff", **(size | place)) as raster:
        raster.write(image(bands=1))
        raster.write_colormap(1, {k: (k, k, 255 - k, 255) for k in range(256)})
    with Scene(palette) as scene, pytest.raises(SceneError, match="palette"):
        adapt_scene(scene, card(("red",)))


def prepare(folder: Path, legend: str = "buildings", **settings: Any) -> Recorded:
    told, areas = Recorded(), folder / "areas.csv"
    areas.write_text(AREAS)
    prepare_source(
        "folder", folder / "data", folder / "src", progress=told, legend=legend, split=str(areas), **settings
    )
    return told


def prepared_labels(folder: Path) -> np.ndarray:
    with rasterio.open(folder / "data/labels/a.tif") as raster:
        return raster.read(1)


@pytest.mark.parametrize("nodata", [float("nan"), float(np.finfo(np.float32).min), -9999.0])
def test_float_labels_with_nodata(nodata: float, tmp_path: Path) -> None:
    labels = squares().astype(np.float32)
    labels[..., 120:] = nodata
    write(tmp_path / "src/images/a.tif", image())
    write(tmp_path / "src/labels/a.tif", labels, nodata=nodata)
    prepare(tmp_path)
    found = prepared_labels(tmp_path)
    assert (found[:, 120:] == IGNORED).all()
    np.testing.assert_array_equal(found[:, :120], squares()[0, :, :120])


def test_masks_of_0_and_255_are_two_classes(tmp_path: Path) -> None:
    write(tmp_path / "src/images/a.tif", image())
    write(tmp_path / "src/labels/a.tif", squares() * 255)
    said = str(vars(prepare(tmp_path)))
    np.testing.assert_array_equal(prepared_labels(tmp_path), squares()[0])
    assert "0 is taken for 'background', 255 for 'building'" in said
    share = 100 * squares().mean()
    assert f"255 building ({share:.1f} %)" in said


def test_a_file_with_255_declared_nodata_is_no_mask(tmp_path: Path) -> None:
    labels = squares()
    labels[:, :5] = 255
    write(tmp_path / "src/images/a.tif", image())
    write(tmp_path / "src/labels/a.tif", labels, nodata=255)
    prepare(tmp_path)
    assert (prepared_labels(tmp_path)[:5] == IGNORED).all()


def test_south_up_labels_are_refused_and_heights_of_a_crs_are_not(tmp_path: Path) -> None:
    write(tmp_path / "src/images/a.tif", image())
    turned = Affine(0.5, 0, PLACE.c, 0, 0.5, PLACE.f - 0.5 * HEIGHT)
    labels = write(tmp_path / "src/labels/a.tif", squares()[:, ::-1], place=turned)
    with pytest.raises(DatasetError, match="another orientation"):
        prepare(tmp_path)
    labels.unlink()
    write(labels, squares(), crs="EPSG:32633+5773")
    prepare(tmp_path)
    np.testing.assert_array_equal(prepared_labels(tmp_path), squares()[0])


def test_a_style_of_qgis_is_no_layer_and_no_value_can_be_ignored(tmp_path: Path) -> None:
    write(tmp_path / "src/images/a.tif", image())
    boxes = [shapely.box(500_010, 5_399_980, 500_035, 5_399_995), shapely.box(500_050, 5_399_960, 500_075, 5_399_975)]
    file = tmp_path / "labels.gpkg"
    kinds = np.array(["house", None], object)
    more: dict[str, Any] = {"driver": "GPKG", "geometry_type": "Polygon", "crs": "EPSG:32633"}
    pyogrio.raw.write(file, shapely.to_wkb(boxes), [kinds], ["kind"], layer="houses", **more)
    pyogrio.raw.write(file, shapely.to_wkb(boxes), [kinds], ["name"], layer="layer_styles", append=True, **more)
    one = '[[classes]]\nname = "{}"\ncolour = [{}, 2, 3]\n'
    text = "{ignored}" + one.format("background", 1) + one.format("house", 9)
    legend = tmp_path / "legend.toml"
    settings: dict[str, Any] = {"labels": file, "attribute": "kind", "outside_polygons": "background"}
    legend.write_text("\ufeff" + text.replace("{ignored}", ""), encoding="utf-8")  # as Windows' editors save it
    with pytest.raises(DatasetError, match=r'no value \(1\).*"" stands for no value'):
        prepare(tmp_path, str(legend), **settings)
    legend.write_text(text.replace("{ignored}", 'ignored = [""]\n'))
    prepare(tmp_path, str(legend), **settings)
    found = prepared_labels(tmp_path)
    assert (found == 1).sum() == 50 * 30 and (found == IGNORED).sum() == 50 * 30


def areas_of(path: Path) -> dict[int, float]:
    meta, _, _, columns = pyogrio.raw.read(path, layer=path.stem)
    names = [str(name) for name in meta["fields"]]
    found: dict[int, float] = {}
    for index, area in zip(columns[names.index("class")], columns[names.index("area_m2")], strict=True):
        found[int(index)] = found.get(int(index), 0.0) + float(area)
    return found


@pytest.mark.parametrize(
    ("dtype", "nodata"), [("float32", -9999.0), ("float32", float("nan")), ("uint8", 0), ("int16", -1)]
)
def test_polygons_know_the_nodata_of_a_map(dtype: str, nodata: float, tmp_path: Path) -> None:
    classes = np.where(squares() == 1, 1, nodata).astype(dtype)
    write_polygons(write(tmp_path / "map.tif", classes, nodata=nodata), tmp_path / "p.gpkg")
    assert set(areas_of(tmp_path / "p.gpkg")) == {1}


def test_polygons_refuse_what_is_no_map(tmp_path: Path) -> None:
    wide = write(tmp_path / "wide.tif", np.where(squares() == 1, 300, 0).astype(np.uint16))
    with pytest.raises(SceneError, match="holds the value 300"):
        write_polygons(wide, tmp_path / "p.gpkg")
    with pytest.raises(SceneError, match="3 bands"):
        write_polygons(write(tmp_path / "photo.tif", image()), tmp_path / "p.gpkg")
    good = write(tmp_path / "map.tif", squares())
    other = write(tmp_path / "shares.tif", image()[:2, :50])
    with pytest.raises(SceneError, match=r"50 x 160 pixels.*96 x 160"):
        write_polygons(good, tmp_path / "p.gpkg", other)
    with pytest.raises(OutputError, match="semicolon"):
        write_polygons(good, tmp_path / "a;b.gpkg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.tif", "photo.tif", "shares.tif", "wide.tif"]


def test_long_edges_have_the_area_of_their_pixels(tmp_path: Path) -> None:
    degrees = Affine(0.5, 0, 0, 0, -0.5, 61)
    classes = np.zeros((1, 6, 60), np.uint8)
    classes[0, 1:3, 5:45] = 1  # 20 degrees wide near 60 degrees north
    path = write(tmp_path / "map.tif", classes, crs="EPSG:4326", place=degrees)
    write_polygons(path, tmp_path / "p.gpkg")
    geod = rasterio.crs.CRS.from_epsg(4326)
    assert geod.is_geographic
    # the area of a band of the ellipsoid between two latitudes, in closed form (authalic)
    a, f = 6378137.0, 1 / 298.257223563
    e = np.sqrt(f * (2 - f))

    def zone(latitude: float) -> float:
        s = np.sin(np.radians(latitude))
        return a**2 * (1 - e**2) / 2 * (s / (1 - e**2 * s**2) + np.arctanh(e * s) / e)

    expected = np.radians(20) * (zone(60.5) - zone(59.5))
    assert areas_of(tmp_path / "p.gpkg")[1] == pytest.approx(expected, rel=2e-4)


def test_csv_as_a_spreadsheet_saves_it(tmp_path: Path) -> None:
    file = tmp_path / "areas.csv"
    file.write_text("\ufeffsplit,scene,row\ntrain,a,3\n", encoding="utf-8")
    assert read_csv(file, DatasetError) == [{"split": "train", "scene": "a", "row": "3"}]
