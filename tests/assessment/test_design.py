"""Drawing samples: every pixel has the chance that the file says, and the file is ready for QGIS."""

import sqlite3
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyogrio.raw
import pytest
import shapely
from rasterio.crs import CRS
from rasterio.transform import Affine

import manet
from assessment.conftest import GSD_M, TRANSFORM, pixel_of, read_rows, write_map
from builders import Recorded, write_scene
from manet.assessment.draw import draw_stratified, draw_systematic, list_blocks
from manet.assessment.maps import ClassMap, count_classes
from manet.assessment.strata import ByClass, count_strata
from manet.errors import DatasetError, ManetError, OptionError, OutputError, SceneError
from manet.legend import ISPRS

SEEDS = 200


def test_points_lie_in_their_strata_with_their_chances(map_file: Path, mapped: np.ndarray, tmp_path: Path) -> None:
    out = tmp_path / "sample.csv"
    drawn = manet.design_sample(map_file, out, manet.DesignSettings(size=300, minimum=40))
    rows = read_rows(out)
    assert drawn.units == len(rows) == 300 and sum(s.points for s in drawn.strata) == 300
    assert len({pixel_of(row) for row in rows}) == 300
    pixels = np.bincount(mapped.ravel(), minlength=256)
    for row in rows:
        name = ISPRS.names[mapped[pixel_of(row)]]
        assert row["stratum"] == row["mapped"] == name and row["reference"] == ""
        (stratum,) = (s for s in drawn.strata if s.name == name)
        assert stratum.points >= 40 and stratum.pixels == pixels[ISPRS.names.index(name)]
        assert float(row["inclusion_probability"]) == pytest.approx(stratum.points / stratum.pixels)
        assert float(row["stratum_pixels"]) == stratum.pixels
        assert float(row["stratum_ground"]) == pytest.approx(stratum.pixels * GSD_M**2, rel=2e-3)
    order = [row["stratum"] for row in rows]
    assert order != sorted(order)  # ids say nothing of the strata


def test_every_pixel_is_drawn_equally_often(tmp_path: Path) -> None:
    """Over many seeds, with pixels that are numbered over several maps and a part without data."""
    classes = np.array([[0, 0, 1, 1, 0, 0, 255]] * 5 + [[1, 1, 1, 0, 0, 0, 0]], np.uint8)
    east = Affine(GSD_M, 0, TRANSFORM.c + 3 * GSD_M, 0, -GSD_M, TRANSFORM.f)
    maps = [
        ClassMap(write_map(tmp_path / "west.tif", classes[:, :3])),
        ClassMap(write_map(tmp_path / "east.tif", classes[:, 3:], transform=east)),
    ]
    by = ByClass()
    population = count_strata(maps, by)
    pixels = population.pixels[:2]
    assert pixels.tolist() == [(classes == 0).sum(), (classes == 1).sum()]
    of_strata = np.arange(len(population.names))
    cases = {
        "strata": (
            np.array([4, 3]) / pixels,
            lambda seed: draw_stratified(
                population, by, of_strata, np.where(of_strata < 2, [4, 3, 0, 0, 0, 0], 0), seed
            ),
        ),
        "all": (
            np.full(2, 6 / pixels.sum()),
            lambda seed: draw_stratified(population, by, np.zeros(len(of_strata), int), np.array([6]), seed),
        ),
        "grid": (np.full(2, 1 / 4), lambda seed: draw_systematic(population, by, 2, seed)),
    }
    for name, (chances, once) in cases.items():
        hits = np.zeros(classes.shape)
        for seed in range(SEEDS):
            points = once(seed)
            first = np.where(np.array(points.maps) == "east", 3, 0)
            np.add.at(hits, (points.rows, points.columns + first), 1)
            assert (classes[points.rows, points.columns + first] == points.classes).all()
        assert hits[classes == 255].sum() == 0
        for value, chance in enumerate(chances.tolist()):
            here = hits[classes == value] / SEEDS
            assert np.abs(here - chance).max() < 4.5 * np.sqrt(chance * (1 - chance) / SEEDS), name


def test_the_same_seed_draws_the_same_sample(map_file: Path, tmp_path: Path) -> None:
    texts = []
    for seed in (3, 3, 4):
        manet.design_sample(map_file, tmp_path / "x.csv", manet.DesignSettings(size=310, seed=seed), overwrite=True)
        texts.append((tmp_path / "x.csv").read_text())
    assert texts[0] == texts[1] != texts[2]


def test_a_geopackage_opens_with_a_form(map_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "sample.gpkg"
    manet.design_sample(map_file, out, manet.DesignSettings(size=320))
    meta, _, wkb, values = pyogrio.raw.read(out, layer="sample")
    assert len(wkb) == 320 and shapely.from_wkb(wkb)[0].geom_type == "Point" and "32632" in meta["crs"]
    fields = list(meta["fields"])
    assert fields[:2] == ["id", "reference"] and all(v is None for v in values[1])
    with closing(sqlite3.connect(out)) as database:
        table, default, qml = database.execute(
            "SELECT f_table_name, useAsDefault, styleQML FROM layer_styles"
        ).fetchone()
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert (table, default) == ("sample", 1)
    style = ElementTree.fromstring(qml.split("\n", 1)[1])
    widgets = {f.attrib["name"]: f[0].attrib["type"] for f in style.find("fieldConfiguration") or []}
    assert widgets.pop("reference") == "ValueMap" and widgets.pop("id") == "TextEdit"
    assert set(widgets.values()) == {"Hidden"}  # what the map says is not shown to who labels
    offered = [o.attrib["value"] for o in style.iter("Option") if o.attrib.get("name") in ISPRS.names]
    assert offered == ISPRS.names


def test_strata_of_a_raster_and_of_polygons(map_file: Path, mapped: np.ndarray, tmp_path: Path) -> None:
    halves = np.zeros(mapped.shape, np.uint8)
    halves[:, 200:] = 1
    raster = write_map(
        tmp_path / "halves.tif",
        halves,
        manet.Legend.model_validate(
            {"classes": [{"name": n, "colour": (i, 0, 0)} for i, n in enumerate(("west", "east"))]}
        ),
    )
    settings = manet.DesignSettings(strata=raster, size=60, allocation="equal")
    manet.design_sample(map_file, tmp_path / "r.csv", settings)
    rows = read_rows(tmp_path / "r.csv")
    assert {row["stratum"] for row in rows} == {"west", "east"}
    assert all((pixel_of(row)[1] >= 200) == (row["stratum"] == "east") for row in rows)
    west, north = TRANSFORM.c, TRANSFORM.f
    box = shapely.box(west, north - 100, west + 100, north)
    pyogrio.raw.write(
        tmp_path / "zones.gpkg",
        shapely.to_wkb([box]),
        [np.array(["centre"], object)],
        ["zone"],
        driver="GPKG",
        geometry_type="Polygon",
        crs="EPSG:32632",
    )
    settings = manet.DesignSettings(strata=tmp_path / "zones.gpkg", attribute="zone", size=80, allocation="equal")
    drawn = manet.design_sample(map_file, tmp_path / "p.csv", settings)
    assert {s.name: s.points for s in drawn.strata} == {"centre": 40, "elsewhere": 40}
    assert {s.name: s.pixels for s in drawn.strata}["centre"] == (mapped[:200, :200] != 255).sum()


def test_several_maps_are_one_population(mapped: np.ndarray, tmp_path: Path) -> None:
    first = write_map(tmp_path / "a.tif", mapped[:, :224])
    shifted = Affine(GSD_M, 0, TRANSFORM.c + 224 * GSD_M, 0, -GSD_M, TRANSFORM.f)
    second = write_map(tmp_path / "b.tif", mapped[:, 224:], transform=shifted)
    drawn = manet.design_sample([first, second], tmp_path / "s.csv", manet.DesignSettings(size=320))
    rows = read_rows(tmp_path / "s.csv")
    assert {row["map"] for row in rows} == {"a", "b"}
    pixels = np.bincount(mapped.ravel(), minlength=6)[:6]
    assert [s.pixels for s in drawn.strata] == pixels[pixels > 0].tolist()
    assert all(ISPRS.names[mapped[pixel_of(row)]] == row["mapped"] for row in rows)
    overlapping = write_map(tmp_path / "c.tif", mapped[:, 200:400])
    with pytest.raises(SceneError, match="overlap"):
        manet.design_sample([first, overlapping], tmp_path / "x.csv")


def test_blocks_are_drawn_from_all_that_hold_a_pixel(map_file: Path, mapped: np.ndarray, tmp_path: Path) -> None:
    blocks = list_blocks([ClassMap(map_file)], 64)
    assert len(blocks) == 5 * 7
    assert len(list_blocks([ClassMap(map_file)], 10)) == 32 * 45 - 2 * 3  # the corner without data, and cut-off blocks
    out = tmp_path / "blocks.gpkg"
    drawn = manet.design_sample(map_file, out, manet.DesignSettings(design="blocks", block=64, size=6))
    meta, _, wkb, values = pyogrio.raw.read(out)
    columns = dict(zip(meta["fields"], values, strict=True))
    assert drawn.units == len(wkb) == 6 and columns["inclusion_probability"][0] == pytest.approx(6 / 35)
    outline = shapely.from_wkb(wkb)[0]
    assert outline.area == pytest.approx((64 * GSD_M) ** 2)
    assert outline.bounds[0] == pytest.approx(TRANSFORM.c + columns["col"][0] * GSD_M)


def test_pixels_are_weighted_by_their_ground(tmp_path: Path) -> None:
    """In longitude and latitude, pixels shrink towards the poles: the class in the north has less ground."""
    classes = np.repeat(np.array([[0], [1]], np.uint8), [30, 30], axis=0).repeat(20, axis=1)
    path = write_map(tmp_path / "world.tif", classes, transform=Affine(1, 0, 0, 0, -1, 60), crs=CRS.from_epsg(4326))
    found = count_classes([ClassMap(path)])
    assert found.pixels[:2].tolist() == [600, 600]
    north, south = (np.sin(np.radians([60, 30])) - np.sin(np.radians([30, 0]))).tolist()
    assert found.shares[0] / found.shares[1] == pytest.approx(north / south, rel=1e-2)  # the sphere's, nearly


def test_progress_is_told(map_file: Path, tmp_path: Path) -> None:
    progress = Recorded()
    manet.design_sample(map_file, tmp_path / "s.csv", manet.DesignSettings(size=400), progress=progress)
    assert ("counting the map's pixels", 1, 1) in progress.counts and progress.counts[-1][1:] == (1, 1)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"design": "cluster"}, OptionError, "no design 'cluster'"),
        ({"design": "random", "strata": Path("x.tif")}, OptionError, "strata do not go with"),
        ({"seed": -1}, OptionError, "seed -1"),
        ({"size": 3}, OptionError, "got 3 points for 6 strata"),
        ({"design": "random", "size": 10**7}, OptionError, "expected 2 to"),
        ({"target": "area:house"}, OptionError, "area:house"),
        ({"design": "blocks"}, OutputError, "outlines"),
        ({"strata": Path("no.gpkg")}, DatasetError, "no file"),
    ],
)
def test_settings_that_do_not_work(
    settings: dict, error: type[ManetError], words: str, map_file: Path, tmp_path: Path
) -> None:
    if settings.get("design") == "blocks":
        settings = settings | {"size": 3}
    with pytest.raises(error, match=words):
        manet.design_sample(map_file, tmp_path / "x.csv", manet.DesignSettings(**settings))
    assert not (tmp_path / "x.csv").exists()


def test_maps_and_outputs_that_do_not_work(map_file: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="ends in .gpkg or .csv"):
        manet.design_sample(map_file, tmp_path / "x.shp")
    photograph = write_scene(tmp_path / "photograph.tif", np.zeros((3, 4, 5), np.uint8))
    with pytest.raises(SceneError, match="so it is no map"):
        manet.design_sample(photograph, tmp_path / "x.csv")
    with pytest.raises(SceneError, match="no valid pixel"):
        manet.design_sample(write_map(tmp_path / "empty.tif", np.full((4, 5), 255, np.uint8)), tmp_path / "x.csv")
    thin = write_map(tmp_path / "thin.tif", np.zeros((1, 2000), np.uint8))
    with pytest.raises(OptionError, match="a grid of every 22-th pixel has"):
        manet.design_sample(thin, tmp_path / "x.csv", manet.DesignSettings(design="systematic", size=4))
    for block, words in ((1, "got blocks of 1 pixels"), (5000, "expected 2 to 4096")):
        with pytest.raises(OptionError, match=words):
            list_blocks([ClassMap(map_file)], block)
    (tmp_path / "there.csv").write_text("x")
    with pytest.raises(OutputError, match="exists already"):
        manet.design_sample(map_file, tmp_path / "there.csv")
