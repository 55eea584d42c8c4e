"""What a result depends on is compared before it is resumed, and names from files are names, never paths."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio

from builders import train, write_scene
from manet.datasets.manifest import Manifest
from manet.errors import CheckpointError, OutputError, TrainingError
from manet.prediction.outputs import Outputs
from manet.raster.inputs import find_scenes
from manet.raster.scene import Scene
from manet.recipe import Recipe
from manet.released import released
from manet.runtime.export_card import CARD, WEIGHTS
from manet.runtime.graphs import load_graphs

IMAGE = np.random.default_rng(0).integers(1, 255, (3, 96, 120), dtype=np.uint8)


@pytest.mark.parametrize("name", ["../x", "/etc/x", "..", "a/../../x", "C:\\x", "x\ny", "\u00fc" * 300, " . "])
def test_names_of_stac_items_stay_in_their_folder(name: str, tmp_path: Path) -> None:
    item = {"id": name, "assets": {"visual": {"href": "a.tif"}}}
    (tmp_path / "item.json").write_text(json.dumps(item))
    (scene,) = find_scenes([str(tmp_path / "item.json")])
    place = tmp_path / "out" / f"{scene.name}.tif"
    assert place.resolve().parent == (tmp_path / "out").resolve() and len(place.name.encode()) < 240
    assert scene.name.isprintable() and scene.name.strip(" .")


def test_two_names_of_one_file_are_one_output(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "sub").mkdir()
    for other in (tmp_path / "sub/../map.tif", tmp_path / "link/map.tif"):
        with pytest.raises(OutputError, match="two outputs have one name"):
            Outputs(tmp_path / "map.tif", uncertainty=other).check()


def test_damaged_graphs_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "town.onnx"
    shutil.copytree(released()["town"].with_suffix(".onnx"), folder)
    load_graphs(folder)
    weights = bytearray((folder / WEIGHTS).read_bytes())
    weights[len(weights) // 2] ^= 1
    (folder / WEIGHTS).write_bytes(weights)
    with pytest.raises(CheckpointError, match="are damaged, or are not those of its card.json"):
        load_graphs(folder)
    (folder / CARD).write_bytes(b"\xff\xfe")
    with pytest.raises(CheckpointError, match="is no exported network"):
        load_graphs(folder)


def test_a_virtual_raster_depends_on_its_sources(tmp_path: Path) -> None:
    source = write_scene(tmp_path / "source.tif", IMAGE)
    xml = f"""<VRTDataset rasterXSize="120" rasterYSize="96"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>
        <SourceFilename>{source}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"""
    (tmp_path / "scene.vrt").write_text(xml)
    before = Scene(tmp_path / "scene.vrt").identity()
    assert Scene(tmp_path / "scene.vrt").identity() == before
    with rasterio.open(source, "r+") as dataset:
        dataset.write(IMAGE[::-1])
    after = Scene(tmp_path / "scene.vrt").identity()
    assert after["sources"] != before["sources"] and after["changed_ns"] == before["changed_ns"]
    assert "sources" not in Scene(source).identity()


def test_a_run_is_resumed_on_its_dataset(town: tuple[Path, Manifest], tmp_path: Path) -> None:
    recipe = Recipe.model_validate(
        {"network": {"encoder": "resnet10t"}, "patches": {"size": 64, "batch": 8}, "training": {"epochs": 1}}
    )
    train(town[0], recipe, tmp_path / "run")
    other = town[1].model_copy(update={"attribution": "prepared again"})
    (tmp_path / "other").mkdir()
    (tmp_path / "other/manifest.json").write_text(other.model_dump_json(by_alias=True))
    with pytest.raises(TrainingError, match="was started on another dataset"):
        train(tmp_path / "other", recipe, tmp_path / "run", resume=True)
    train(town[0], recipe, tmp_path / "run", resume=True)
    state = tmp_path / "run/last.ckpt"
    state.write_bytes(state.read_bytes()[:5000])
    with pytest.raises(TrainingError, match="last.ckpt is damaged"):
        train(town[0], recipe, tmp_path / "run", resume=True)
    for damaged in (b"{", b"\xff"):
        (tmp_path / "run/recipe.json").write_bytes(damaged)
        with pytest.raises(TrainingError, match="recipe.json is damaged"):
            train(town[0], recipe, tmp_path / "run", resume=True)
