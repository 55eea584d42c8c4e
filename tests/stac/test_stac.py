"""STAC items against the schemas of the specification and its extensions, without any connection."""

import copy
import itertools
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyproj
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import Affine
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from builders import card
from manet.legend import ISPRS
from manet.recipe import NetworkSettings, Recipe
from manet.released import released
from manet.runtime.export_card import beside
from manet.stac.item import write_item
from manet.stac.map_item import map_item
from manet.stac.model_item import MLM, checkpoint_asset, model_item, onnx_asset, weights_asset

SCHEMAS = Path(__file__).parent / "schemas"
CORE = "https://schemas.stacspec.org/v1.1.0/item-spec/json-schema"
EXTENSIONS = "https://stac-extensions.github.io"
STANDS_FOR = {"classification/v1.1.0": "classification_v2.0.0", "mlm/v1.5.0": "mlm_v1.4.0"}
"""See schemas/README.md."""

UTM = CRS.from_epsg(32645)

Item = dict[str, Any]


def _read(path: Path) -> Item:
    return json.loads(path.read_text(encoding="utf-8"))


def _registry() -> tuple[Registry, dict[str, Item]]:
    schemas = {}
    for path in SCHEMAS.glob("*.json"):
        if path.stem in ("Feature", "Geometry"):
            schemas[f"https://geojson.org/schema/{path.name}"] = _read(path)
        elif "_v" in path.stem:
            name, _, version = path.stem.partition("_")
            schemas[f"{EXTENSIONS}/{name}/{version}/schema.json"] = _read(path)
        else:
            schemas[f"{CORE}/{path.name}"] = _read(path)
    for name, stem in STANDS_FOR.items():
        version = name.partition("/")[2]
        text = (SCHEMAS / f"{stem}.json").read_text().replace(stem.partition("_")[2], version)
        schemas[f"{EXTENSIONS}/{name}/schema.json"] = json.loads(text)
    projjson = Path(pyproj.datadir.get_data_dir()) / "projjson.schema.json"
    schemas["https://proj.org/schemas/v0.7/projjson.schema.json"] = _read(projjson)
    resources = [(uri, Resource.from_contents(s, default_specification=DRAFT7)) for uri, s in schemas.items()]
    return Registry().with_resources(resources), schemas


REGISTRY, KNOWN = _registry()


@pytest.fixture(autouse=True)
def _no_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


def errors(item: Item) -> list[str]:
    """What is wrong with an item, by the specification and by every extension that it names."""
    found = []
    for uri in (f"{CORE}/item.json", *item["stac_extensions"]):
        validator = jsonschema.Draft7Validator(KNOWN[uri], registry=REGISTRY)
        found += [f"{uri}: {error.json_path}: {error.message}" for error in validator.iter_errors(item)]
    return found


def _model(**changes: Any) -> Item:
    assets = {
        "whole": onnx_asset("./whole.onnx", "the network"),
        "weights": weights_asset("./weights.bin"),
        "checkpoint": checkpoint_asset("./x.safetensors"),
    }
    settings: Any = {"framework": "ONNX", "framework_version": "1.17.0", "parameters": 7} | changes
    return model_item(card(legend=ISPRS), "vaihingen", assets, **settings)


def _map(tmp_path: Path, crs: CRS | None = UTM) -> Item:
    values = np.zeros((3, 40, 60), np.uint8)
    profile: Any = {"driver": "GTiff", "height": 40, "width": 60, "dtype": "uint8", "crs": crs}
    profile["transform"] = Affine(100, 0, 300_000, 0, -100, 3_060_000)
    with rasterio.open(tmp_path / "scene.tif", "w", count=3, **profile) as scene:
        scene.write(values)
        scene.update_tags(TIFFTAG_DATETIME="2020:05:17 10:30:00")
    (tmp_path / "maps").mkdir()
    with rasterio.open(tmp_path / "maps/map.tif", "w", count=1, nodata=255, **profile) as classes:
        classes.write(values[:1])
    scene_path, item_path = str(tmp_path / "scene.tif"), tmp_path / "items/map.json"
    return map_item(tmp_path / "maps/map.tif", scene_path, ISPRS, item_path, model="vaihingen")


def test_models_are_valid() -> None:
    item = _model()
    assert errors(item) == [] and item["stac_extensions"] == [MLM]
    assert item["properties"]["mlm:output"][0]["classification:classes"][1] == {
        "value": 1,
        "name": "building",
        "description": "building",
        "color_hint": "0000FF",
    }
    assert item["properties"]["mlm:pretrained"] is False and item["properties"]["mlm:pretrained_source"] is None
    assert item["properties"]["mlm:input"][0]["input"]["shape"] == [-1, 3, -1, -1]
    assert _model(only_size=(16, 24))["properties"]["mlm:output"][0]["result"]["shape"] == [-1, 6, 16, 24]


def test_models_are_valid_by_the_implementation_of_the_same_version() -> None:
    """Where it is installed: stac-model 0.4.0 wants an older rich than manet, so nothing installs it with manet."""
    schema = pytest.importorskip("stac_model.schema")
    assert schema.SCHEMA_URI == MLM
    read = schema.MLModelProperties(**_model()["properties"])
    assert read.name == "vaihingen" and read.total_parameters == 7 and len(read.output[0].classes or ()) == 6
    broken = _model()["properties"]
    del broken["mlm:input"][0]["input"]["shape"]
    with pytest.raises(ValueError, match="shape"):
        schema.MLModelProperties(**broken)


@pytest.mark.parametrize("name", ["x", "2020 Vaihingen (RGB)", "größe", "a_", "vaihingen-1.0"])
def test_any_name_and_pretrained_weights(name: str) -> None:
    changed = card(recipe=Recipe(network=NetworkSettings(weights="imagenet")), gsd_m=None)
    asset = {"model": onnx_asset("./x.onnx", "x")}
    item = model_item(changed, name, asset, framework="ONNX", framework_version="1.17.0")
    assert errors(item) == [] and item["id"] == name and item["properties"]["mlm:pretrained"] is True


@pytest.mark.parametrize("name", sorted(released()))
def test_released_models_have_valid_items_whose_files_are_there(name: str) -> None:
    folder = beside(released()[name])
    item = _read(folder / "item.json")
    assert errors(item) == [] and item["id"] == name
    for asset in item["assets"].values():
        assert (folder / asset["href"]).is_file(), asset


def _drop(key: str) -> Callable[[Item], Any]:
    return lambda item: item["properties"].pop(key)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (_drop("mlm:tasks"), "mlm"),
        (_drop("datetime"), "item.json"),
        (_drop("bands"), "mlm"),
        (lambda item: [asset.pop("bands", 0) for asset in item["assets"].values()], "item.json"),
        (lambda item: item["assets"]["whole"].pop("mlm:artifact_type"), "mlm"),
        (lambda item: [asset.update(roles=["data"]) for asset in item["assets"].values()], "mlm"),
        (lambda item: item["properties"]["mlm:output"][0]["classification:classes"][0].update(value="a"), "mlm"),
        (lambda item: item["properties"]["mlm:input"][0]["input"].update(data_type="f32"), "mlm"),
        (lambda item: item["assets"]["whole"]["bands"][0].update(data_type="f32"), "item.json"),
    ],
)
def test_the_schemas_see_what_is_wrong(change: Callable[[Item], Any], where: str) -> None:
    item = copy.deepcopy(_model())
    change(item)
    assert any(where in error for error in errors(item))


def test_maps_are_valid_and_lie_where_the_raster_does(tmp_path: Path) -> None:
    item = _map(tmp_path)
    assert errors(item) == []
    assert item["properties"]["datetime"] == "2020-05-17T10:30:00Z" and item["properties"]["proj:code"] == "EPSG:32645"
    with rasterio.open(tmp_path / "scene.tif") as scene:
        expected = rasterio.warp.transform_bounds(scene.crs, "EPSG:4326", *scene.bounds, densify_pts=9)
    assert item["bbox"] == pytest.approx(expected, abs=1e-6)
    ring = item["geometry"]["coordinates"][0]
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in itertools.pairwise(ring))
    assert area > 0  # counterclockwise, as GeoJSON has it
    assert item["assets"]["map"]["href"] == "../maps/map.tif" and item["links"][0]["href"] == "../scene.tif"
    for change in (lambda i: i["properties"].update({"proj:shape": [1]}), lambda i: i.pop("bbox")):
        broken = copy.deepcopy(item)
        change(broken)
        assert errors(broken)


def test_maps_without_a_place_are_valid_too(tmp_path: Path) -> None:
    item = _map(tmp_path, crs=None)
    assert errors(item) == [] and item["geometry"] is None and "bbox" not in item
    write_item(item, tmp_path / "items/map.json")
    assert _read(tmp_path / "items/map.json") == item
