"""Many scenes in one call, and what is said of them to people and to programs."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio

from builders import Run, write_scene
from manet.errors import SceneError, SceneNotFoundError
from manet.prediction.outputs import Outputs
from manet.raster.inputs import NamedScene, find_scenes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for index, name in enumerate(("a", "b", "c")):
        image = np.random.default_rng(index).integers(1, 255, (3, 70, 90), dtype=np.uint8)
        write_scene(tmp_path / f"in/{name}.tif", image)
    (tmp_path / "in/b.tif").write_bytes((tmp_path / "in/b.tif").read_bytes()[:3000])
    (tmp_path / "in/notes.txt").write_text("no image")
    return tmp_path / "in"


def test_one_bad_scene_does_not_stop_the_others(run: Run, checkpoint: Path, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ("--device", "cpu", "--window", "64", "--overlap", "16", "--out", out / "maps", "--areas", out / "areas")
    status, text, error = run("predict", checkpoint, folder, *options)
    assert status == 1 and "2 of 3 scenes mapped" in text
    assert text.count("the areas are mapped ones") == 1 and "`manet assess` gives estimates" in text
    assert error.count("failed: ") == 1 and f"not mapped: {folder / 'b.tif'}\n" in error
    names = {str(path.relative_to(out)) for path in out.rglob("*.*") if path.is_file()}
    expected = {f"maps/{name}{end}" for name in "ac" for end in (".tif", ".tif.aux.xml", ".qml")}
    assert names == expected | {f"areas/{name}{end}" for name in "ac" for end in (".csv", ".json")}
    shutil.copy(folder / "a.tif", folder / "b.tif")
    status, _, error = run("predict", checkpoint, folder, *options, "--overwrite")
    assert status == 0 and not error
    with rasterio.open(out / "maps/a.tif") as a, rasterio.open(out / "maps/b.tif") as b:
        assert (a.read() == b.read()).all()
        assert (a.tags()["MANET_SCENE"], b.tags()["MANET_SCENE"]) == ("a.tif", "b.tif")


def test_events_for_programs(run: Run, checkpoint: Path, folder: Path, tmp_path: Path) -> None:
    """Standard output holds nothing but events, in both contexts and for several scenes."""
    options = ("--device", "cpu", "--window", "512", "--context", "scene", "--json", "--out", tmp_path / "out")
    status, text, _ = run("predict", checkpoint, folder / "a.tif", folder / "b.tif", *options)
    events = [json.loads(line) for line in text.splitlines()]
    assert status == 1
    kinds = [event["event"] for event in events if event["event"] != "note"]
    assert kinds[:2] == ["started", "progress"] and kinds[-2:] == ["started", "failed"] and "finished" in kinds
    last = [event for event in events if event["event"] == "progress"][-1]
    assert last["windows"] == last["of"] and last["megapixels_per_second"] > 0 and last["seconds_left"] == 0
    assert str(folder / "b.tif") in events[-1]["error"]
    finished = next(event for event in events if event["event"] == "finished")
    with rasterio.open(finished["outputs"][0]) as raster:
        assert raster.shape == (70, 90)


def test_an_unforeseen_error_of_one_scene_does_not_stop_the_others(
    run: Run, checkpoint: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def predict_scene(model: object, scene: str, outputs: Outputs, *_: object) -> None:
        if scene.endswith("b.tif"):
            raise KeyError("first line\nsecond line")
        outputs.classes.touch()

    monkeypatch.setattr("manet.model.predict_scene", predict_scene)
    monkeypatch.setattr("manet.cli.last_resort.keep_traceback", lambda error: f"traceback of {error!r}")
    (tmp_path / "out").mkdir()
    options = ("--device", "cpu", "--out", tmp_path / "out")
    status, text, error = run("predict", checkpoint, folder, *options)
    assert status == 1 and "2 of 3 scenes mapped" in text and f"not mapped: {folder / 'b.tif'}\n" in error
    assert error.count("\n") == 2 and "failed: unforeseen KeyError" in error
    _, text, _ = run("predict", checkpoint, folder, *options, "--json")
    failed = [event for event in map(json.loads, text.splitlines()) if event["event"] == "failed"]
    assert [event["scene"] for event in failed] == [str(folder / "b.tif")]


def test_outputs_of_one_name_are_refused(run: Run, checkpoint: Path, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "map.tif"
    status, _, error = run("predict", checkpoint, folder / "a.tif", "--out", out, "--uncertainty", out)
    assert status == 2 and "two outputs have one name" in error and not out.exists()


def test_places(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = [NamedScene(name, str(folder / f"{name}.tif")) for name in "abc"]
    assert find_scenes([str(folder)]) == every
    assert find_scenes([str(folder / "[ac].tif")]) == [every[0], every[2]]
    assert find_scenes([str(tmp_path / "**/*.tif")]) == every
    assert find_scenes(["s3://bucket/x.tif", "nowhere.tif"]) == [
        NamedScene("x", "s3://bucket/x.tif"),
        NamedScene("nowhere", "nowhere.tif"),
    ]
    with pytest.raises(SceneError, match="several scenes"):
        find_scenes([str(folder), "elsewhere/a.tif"])
    with pytest.raises(SceneNotFoundError, match="nothing"):
        find_scenes([str(tmp_path / "nothing*.tif")])


def test_stac(folder: Path) -> None:
    tiff = {"type": "image/tiff; application=geotiff", "roles": ["data"]}
    thumbnail = {"href": "t.png", "type": "image/png", "roles": ["thumbnail"]}

    def item(name: str, **assets: dict) -> dict:
        return {"type": "Feature", "id": name, "assets": assets | {"thumbnail": thumbnail}}

    items = [
        item("near", image=tiff | {"href": "./a.tif"}),
        item("far", visual=tiff | {"href": "https://example.org/far.tif"}, nir=tiff | {"href": "nir.tif"}),
    ]
    collection = folder / "items.json"
    collection.write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    near, far = find_scenes([str(collection)])
    assert near == NamedScene("near", str(folder / "a.tif")) and Path(near.path).is_file()
    assert far == NamedScene("far", "https://example.org/far.tif")
    collection.write_text(json.dumps(items[0]))
    assert find_scenes([str(collection)]) == [near]
    collection.write_text(json.dumps(item("many", red=tiff | {"href": "r"}, green=tiff | {"href": "g"})))
    with pytest.raises(SceneError, match=r"many .* 2 assets .*red, green"):
        find_scenes([str(collection)])
    collection.write_text("[1")
    with pytest.raises(SceneError, match="STAC"):
        find_scenes([str(collection)])
