"""Estimates from labelled files: right for good samples, one line for bad ones."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import shapely

import manet
from assessment.conftest import GSD_M, HEIGHT, TRANSFORM, WIDTH, Rows, pixel_of, read_rows, write_map, write_rows
from builders import Recorded
from manet.assessment.accuracy import Assessment
from manet.assessment.tables import all_tables, sentence
from manet.errors import OptionError, OutputError, SampleError
from manet.legend import ISPRS
from pages import self_contained

Label = Callable[[Path], Rows]


def share_of(found: Assessment, name: str) -> float:
    return next(c.share.value for c in found.classes if c.name == name)


@pytest.fixture
def sample(map_file: Path, label: Label, tmp_path: Path) -> Path:
    """A labelled stratified sample."""
    out = tmp_path / "sample.csv"
    manet.design_sample(map_file, out, manet.DesignSettings(size=360, minimum=30))
    label(out)
    return out


def test_a_stratified_sample_by_hand(sample: Path, map_file: Path, mapped: np.ndarray, truth: np.ndarray) -> None:
    found = manet.assess(sample, map_file)
    rows = read_rows(sample)
    pixels = np.bincount(mapped.ravel(), minlength=256)[:6]
    right = {name: [r["reference"] == name for r in rows if r["mapped"] == name] for name in ISPRS.names}
    by_hand = sum(pixels[i] * np.mean(right[name]) for i, name in enumerate(ISPRS.names) if right[name]) / pixels.sum()
    assert found.overall.value == pytest.approx(by_hand, abs=2e-4)  # pixels differ by a ten-thousandth in size
    for i, c in enumerate(found.classes):
        if right[c.name]:
            assert c.users and c.users.value == pytest.approx(np.mean(right[c.name]), abs=2e-4)
        assert c.mapped_share == pytest.approx(pixels[i] / pixels.sum(), abs=1e-4)
    surface = pixels.sum() * GSD_M**2
    assert found.surface_m2 == pytest.approx(surface, rel=2e-3)
    valid = mapped != 255
    for i, c in enumerate(found.classes):
        assert c.area_m2 and c.area_m2.value == pytest.approx(c.share.value * (found.surface_m2 or 0))
        true = float((truth[valid] == i).mean())
        assert abs(c.share.value - true) < 4 * c.share.standard_error + 1e-3
    assert sum(map(sum, found.counts)) == 360 and np.sum(found.shares) == pytest.approx(1)


@pytest.mark.parametrize("design", ["random", "systematic"])
def test_samples_of_the_whole_map(
    design: str, map_file: Path, label: Label, mapped: np.ndarray, truth: np.ndarray, tmp_path: Path
) -> None:
    out = tmp_path / "sample.csv"
    manet.design_sample(map_file, out, manet.DesignSettings(design=design, size=500))  # type: ignore[arg-type]
    label(out)
    found = manet.assess(out, map_file)
    assert design in found.design and "stratified afterwards" in found.design
    valid = mapped != 255
    accuracy = float((mapped == truth)[valid].mean())
    assert abs(found.overall.value - accuracy) < 4 * found.overall.standard_error
    total = sum(c.share.value for c in found.classes)
    assert total == pytest.approx(1)


def test_geopackage_with_geometries_in_another_crs(sample: Path, map_file: Path, tmp_path: Path) -> None:
    from pyproj import Transformer

    rows = read_rows(sample)
    move = Transformer.from_crs("EPSG:32632", "EPSG:4326", always_xy=True)
    lon, lat = move.transform([float(r["x"]) for r in rows], [float(r["y"]) for r in rows])
    fields = ["reference", "stratum", "mapped", "design"]
    pyogrio.raw.write(
        tmp_path / "moved.gpkg",
        shapely.to_wkb(shapely.points(np.stack([lon, lat], axis=1))),
        [np.array([r[f] for r in rows], object) for f in fields],
        fields,
        driver="GPKG",
        geometry_type="Point",
        crs="EPSG:4326",
    )
    moved = manet.assess(tmp_path / "moved.gpkg", map_file)
    assert moved.overall.value == pytest.approx(manet.assess(sample, map_file).overall.value, abs=1e-6)
    places = [
        {"longitude": x, "latitude": y} | {f: r[f] for f in fields} for x, y, r in zip(lon, lat, rows, strict=True)
    ]
    write_rows(tmp_path / "places.csv", places)
    assert manet.assess(tmp_path / "places.csv", map_file).overall.value == pytest.approx(moved.overall.value)


def test_strata_that_are_not_the_maps_classes(map_file: Path, label: Label, truth: np.ndarray, tmp_path: Path) -> None:
    west = shapely.box(TRANSFORM.c, TRANSFORM.f - HEIGHT * GSD_M, TRANSFORM.c + 60, TRANSFORM.f)
    pyogrio.raw.write(
        tmp_path / "west.gpkg", shapely.to_wkb([west]), [], [], driver="GPKG", geometry_type="Polygon", crs="EPSG:32632"
    )
    out = tmp_path / "sample.csv"
    manet.design_sample(
        map_file, out, manet.DesignSettings(strata=tmp_path / "west.gpkg", size=400, allocation="equal")
    )
    label(out)
    found = manet.assess(out, map_file)
    assert [s.name for s in found.strata] == ["elsewhere", "inside"] and [s.units for s in found.strata] == [200, 200]
    assert found.strata[1].share == pytest.approx(120 / WIDTH, abs=5e-3)
    rows = read_rows(out)
    by_hand = sum(
        s.share * np.mean([r["reference"] == "building" for r in rows if r["stratum"] == s.name]) for s in found.strata
    )
    assert share_of(found, "building") == pytest.approx(by_hand, abs=3e-4)
    rows = [row for row in rows if row["stratum"] == "inside"]
    with pytest.raises(SampleError, match="label at least 2 points in every stratum"):
        manet.assess(write_rows(tmp_path / "half.csv", rows), map_file)


def test_clusters_vary_between_clusters(map_file: Path, mapped: np.ndarray, truth: np.ndarray, tmp_path: Path) -> None:
    """The same points as clusters of 25 have a larger standard error than as single points, and a t quantile."""
    rng = np.random.default_rng(0)
    rows = []
    for cluster in range(24):
        row, col = rng.integers(20, HEIGHT - 5), rng.integers(0, WIDTH - 5)
        rows += [
            {
                "cluster": cluster,
                "x": TRANSFORM.c + (col + i % 5 + 0.5) * GSD_M,
                "y": TRANSFORM.f - (row + i // 5 + 0.5) * GSD_M,
                "reference": ISPRS.names[truth[row + i // 5, col + i % 5]],
            }
            for i in range(25)
        ]
    write_rows(tmp_path / "clusters.csv", rows)
    clusters = manet.assess(tmp_path / "clusters.csv", map_file)
    points = manet.assess(tmp_path / "clusters.csv", map_file, design="random")
    assert clusters.degrees == 23 and clusters.units == 24
    assert clusters.overall.standard_error > 1.5 * points.overall.standard_error
    assert any("does not say how its points were drawn" in note for note in clusters.notes)


def test_points_without_a_reference_are_named_and_left_out(sample: Path, map_file: Path) -> None:
    rows = read_rows(sample)
    for row in rows[-7:]:
        row["reference"] = ""
    write_rows(sample, rows)
    progress = Recorded()
    found = manet.assess(sample, map_file, progress=progress)
    assert found.units == 353
    note = next(note for note in found.notes if "lack a reference" in note)
    assert "left out: 7 (354, " in note and note in progress.lines
    assert not any("not in the file" in line for line in found.notes)


def test_points_that_were_removed_are_missed(sample: Path, map_file: Path) -> None:
    rows = read_rows(sample)
    write_rows(sample, rows[:20] + rows[27:])
    found = manet.assess(sample, map_file)
    assert found.units == len(rows) - 7
    assert any("drawn and are not in the file: 7;" in note for note in found.notes)


def test_few_points_are_warned_of(map_file: Path, label: Label, tmp_path: Path) -> None:
    out = tmp_path / "sample.csv"
    manet.design_sample(map_file, out, manet.DesignSettings(size=100, allocation="proportional"))
    label(out)
    found = manet.assess(out, map_file)
    assert any("fewer than 20 points" in note and "car (2)" in note for note in found.notes)
    assert any("above a fifth of the area" in note for note in found.notes)


def test_a_map_without_a_crs_gives_shares(mapped: np.ndarray, label: Label, tmp_path: Path) -> None:
    path = write_map(tmp_path / "plain.tif", mapped, crs=None)
    manet.design_sample(path, tmp_path / "s.csv", manet.DesignSettings(size=330))
    label(tmp_path / "s.csv")
    found = manet.assess(tmp_path / "s.csv", path)
    assert found.surface_m2 is None and found.classes[0].area_m2 is None and found.classes[0].share.value > 0.1
    assert " ha" not in sentence(found) and len(all_tables(found)) == 5


def test_several_maps(mapped: np.ndarray, label: Label, tmp_path: Path, map_file: Path) -> None:
    from rasterio.transform import Affine

    west = write_map(tmp_path / "west.tif", mapped[:, :200])
    east = Affine(GSD_M, 0, TRANSFORM.c + 200 * GSD_M, 0, -GSD_M, TRANSFORM.f)
    maps = [west, write_map(tmp_path / "east.tif", mapped[:, 200:], transform=east)]
    out = tmp_path / "s.csv"
    manet.design_sample(maps, out, manet.DesignSettings(size=330))
    label(out)
    both, whole = manet.assess(out, maps), manet.assess(write_rows(tmp_path / "t.csv", _without(out, "map")), map_file)
    assert both.overall.value == pytest.approx(whole.overall.value, abs=1e-6)
    assert both.surface_m2 == pytest.approx(whole.surface_m2, rel=1e-6)
    with pytest.raises(SampleError, match="points of east; give these maps, too|outside|points of west"):
        manet.assess(out, west)


def _without(path: Path, name: str) -> Rows:
    return [{key: value for key, value in row.items() if key != name} for row in read_rows(path)]


def test_bad_samples_are_one_line_each(sample: Path, map_file: Path, mapped: np.ndarray, tmp_path: Path) -> None:
    rows = read_rows(sample)

    def refuse(changed: Rows, words: str, path: Path = map_file) -> None:
        write_rows(tmp_path / "bad.csv", changed)
        with pytest.raises(SampleError, match=words) as error:
            manet.assess(tmp_path / "bad.csv", path)
        assert "\n" not in str(error.value)

    refuse([*rows, rows[4]], r"points 5, 5 lie on one pixel; a pixel counts once")
    refuse([rows[0] | {"reference": "bulding"}, *rows[1:]], "point 1 .* 'bulding'; .*nearest: building")
    refuse([rows[0] | {"x": "1000"}, *rows[1:]], r"point 1 lies outside the map")
    corner = {"x": str(TRANSFORM.c + 0.1), "y": str(TRANSFORM.f - 0.1)}
    refuse([rows[0] | corner, *rows[1:]], r"point 1 lies where the map has no class")
    refuse([row | {"reference": ""} for row in rows], "no reference at any of its 360 points")
    refuse(_without(sample, "reference"), "no attribute 'reference'")
    refuse(_without(sample, "x"), "expected x and y")
    refuse([rows[0] | {"x": "here"}, *rows[1:]], "coordinates that are no numbers")
    refuse([rows[0] | {"design": "random"}, *rows[1:]], "several designs")
    refuse([rows[0] | {"stratum_pixels": "7"}, *rows[1:]], "different sizes of one stratum")
    first = next(row for row in rows if row["stratum"] == "car")
    others = [row for row in rows if row["stratum"] != "car"]
    refuse([first, *others], r"'car' has 1 labelled point.*label at least 2")
    refuse(others, r"stratum 'car', .* % of the map, has no labelled point")
    other = write_map(tmp_path / "other.tif", np.where(mapped == 255, 255, 5 - mapped).astype(np.uint8))
    refuse(rows, r"points .* lie where the map says something else.*the map has changed", other)
    more = mapped.copy()
    more[:20, :30] = 2
    refuse(rows, "pixels of .low vegetation.*the map has changed", write_map(tmp_path / "more.tif", more))
    wrong = [row | {"stratum": row["stratum"] + "s"} for row in _without(sample, "stratum_pixels")]
    refuse(wrong, "is no class of the map.*stratum_pixels")
    with pytest.raises(FileNotFoundError, match="no sample at"):
        manet.assess(tmp_path / "absent.gpkg", map_file)
    (tmp_path / "broken.gpkg").write_text("no database")
    with pytest.raises(SampleError, match="cannot be read as a sample"):
        manet.assess(tmp_path / "broken.gpkg", map_file)
    with pytest.raises(OptionError, match="its points are stratified, not random"):
        manet.assess(sample, map_file, design="random")
    write_rows(tmp_path / "plain.csv", _without(sample, "design"))
    with pytest.raises(OptionError, match="no design 'grid'"):
        manet.assess(tmp_path / "plain.csv", map_file, design="grid")


def test_a_geopackage_without_a_crs_is_refused(sample: Path, map_file: Path, tmp_path: Path) -> None:
    rows = read_rows(sample)
    points = shapely.points([(float(r["x"]), float(r["y"])) for r in rows])
    with pytest.warns(UserWarning, match="crs"):
        pyogrio.raw.write(
            tmp_path / "x.gpkg",
            shapely.to_wkb(points),
            [np.array([r["reference"] for r in rows], object)],
            ["reference"],
            driver="GPKG",
            geometry_type="Point",
        )
    with pytest.raises(SampleError, match="has no CRS"):
        manet.assess(tmp_path / "x.gpkg", map_file)


def test_the_report(sample: Path, map_file: Path, tmp_path: Path) -> None:
    found = manet.assess(sample, map_file)
    names = manet.write_assessment(found, tmp_path / "report")
    assert {path.name for path in (tmp_path / "report").iterdir()} == set(names)
    document = json.loads((tmp_path / "report/assessment.json").read_text())
    assert document["overall"]["value"] == found.overall.value and document["degrees"] is None
    with (tmp_path / "report/classes.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    building = next(c for c in found.classes if c.name == "building")
    (row,) = (r for r in rows if r["class"] == "building")
    assert building.area_m2 and building.users
    assert float(row["area_ha_high"]) == pytest.approx((building.area_m2.high or 0) / 1e4)
    assert float(row["users_accuracy_standard_error"]) == building.users.standard_error
    page = (tmp_path / "report/report.md").read_text(encoding="utf-8")
    assert sentence(found) in page and "Olofsson, P., Foody" in page and "areas.png" in page
    html = self_contained((tmp_path / "report/report.html").read_text(encoding="utf-8"))
    assert "Olofsson, P., Foody" in html.text and "Wilson's" in html.text and html.tags.count("img") == 1
    low, high = 100 * (found.overall.low or 0), 100 * (found.overall.high or 0)
    assert f"{100 * found.overall.value:.2f} % (95 % confidence interval {low:.2f} to {high:.2f} %)." in page
    assert "building" in sentence(found) and "± " in sentence(found)
    assert (tmp_path / "report/areas.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(OutputError, match="exists already"):
        manet.write_assessment(found, tmp_path / "report")
    manet.write_assessment(found, tmp_path / "report", overwrite=True)


def test_points_fall_on_the_pixels_that_were_drawn(sample: Path, mapped: np.ndarray) -> None:
    assert all(ISPRS.names[mapped[pixel_of(row)]] == row["mapped"] for row in read_rows(sample))
