"""No output replaces an input, nor a file that is not manet's own, whatever may be overwritten."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch

import manet
from builders import FunctionRuntime, Run, brightness, card, one_line, write_map, write_scene
from manet.errors import CheckpointError, OutputError
from manet.legend import IGNORED
from manet.networks.checkpoint import read_checkpoint, write_checkpoint
from manet.prediction.outputs import Outputs
from manet.prediction.predictor import classes_of
from manet.prediction.resume import Journal
from manet.prediction.window_context import WindowContext
from manet.raster.scene import Scene
from manet.recipe import NetworkSettings, Recipe

IMAGE = np.random.default_rng(0).integers(1, 255, (3, 96, 120), dtype=np.uint8)


def pixels(path: Path) -> np.ndarray:
    with rasterio.open(path) as dataset:
        return dataset.read()


def test_predict_does_not_replace_its_scene(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "scene.tif", IMAGE)
    (tmp_path / "link.tif").symlink_to(scene)
    for out in (scene, tmp_path / "link.tif"):
        status, _, error = run("predict", checkpoint, scene, "--out", out, "--overwrite", "--device", "cpu")
        assert status == 2 and "is the input" in one_line(error)
    np.testing.assert_array_equal(pixels(scene), IMAGE)


def test_predict_does_not_write_into_the_folder_of_its_scenes(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    scenes = [write_scene(tmp_path / f"in/{name}.tif", IMAGE) for name in "ab"]
    status, _, error = run("predict", checkpoint, tmp_path / "in", "--out", tmp_path / "in", "--overwrite")
    assert status == 2 and "is the input" in one_line(error)
    for scene in scenes:
        np.testing.assert_array_equal(pixels(scene), IMAGE)


def test_the_sources_of_a_virtual_raster_are_inputs(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "scene.tif", IMAGE)
    bands = "".join(
        f'<VRTRasterBand dataType="Byte" band="{band}"><SimpleSource><SourceFilename relativeToVRT="1">scene.tif'
        f"</SourceFilename><SourceBand>{band}</SourceBand></SimpleSource></VRTRasterBand>"
        for band in (1, 2, 3)
    )
    (tmp_path / "scene.vrt").write_text(f'<VRTDataset rasterXSize="120" rasterYSize="96">{bands}</VRTDataset>')
    status, _, error = run("predict", checkpoint, tmp_path / "scene.vrt", "--out", scene, "--overwrite")
    assert status == 2 and "is the input" in one_line(error)
    np.testing.assert_array_equal(pixels(scene), IMAGE)


def test_only_maps_are_replaced(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    scene, other = write_scene(tmp_path / "scene.tif", IMAGE), write_scene(tmp_path / "other.tif", IMAGE[:, ::-1])
    status, _, error = run("predict", checkpoint, scene, "--out", other, "--overwrite")
    assert status == 2 and "is no map of manet" in one_line(error)
    np.testing.assert_array_equal(pixels(other), IMAGE[:, ::-1])
    options = ("--out", tmp_path / "map.tif", "--probabilities", tmp_path / "p.tif")
    for _ in range(2):
        status, _, error = run("predict", checkpoint, scene, *options, "--overwrite", "--device", "cpu")
        assert status == 0, error


def test_prepare_does_not_replace_its_source(run: Run, tmp_path: Path) -> None:
    labels = (IMAGE[:1] > 128).astype(np.uint8)
    for name in "abc":
        for folder, values in (("images", IMAGE), ("labels", labels)):
            (tmp_path / "mine" / folder).mkdir(parents=True, exist_ok=True)
            write_scene(tmp_path / f"mine/{folder}/{name}.tif", values)
    source = ("--source", tmp_path / "mine", "--legend", "buildings")
    command = ("prepare", "folder", *source, "--split", "file", "--overwrite")
    status, _, error = run(*command, "--out", tmp_path / "mine")
    assert status == 2 and "lies in the output" in one_line(error)
    status, _, error = run(*command, "--out", tmp_path / "data")
    assert status == 0, error
    status, _, error = run(*command, "--out", tmp_path / "data")  # a prepared dataset may be replaced
    assert status == 0, error
    for path in (tmp_path / "mine").rglob("*.tif"):
        np.testing.assert_array_equal(pixels(path), IMAGE if path.parent.name == "images" else labels)
    with pytest.raises(OutputError, match="is of no prepared dataset"):
        (tmp_path / "elsewhere/images").mkdir(parents=True)
        write_scene(tmp_path / "elsewhere/images/town.tif", IMAGE)
        manet.prepare("town", tmp_path / "elsewhere", overwrite=True, height=640, width=320)


def test_training_does_not_replace_anothers_checkpoint(
    town: tuple[Path, object], tiny_recipe: Recipe, tmp_path: Path
) -> None:
    (tmp_path / "best.safetensors").write_text("another's")
    with pytest.raises(OutputError, match=r"best\.safetensors is there"):
        manet.train(town[0], tiny_recipe, tmp_path)
    assert (tmp_path / "best.safetensors").read_text() == "another's"


def test_two_predictions_of_one_map_do_not_mix(tmp_path: Path) -> None:
    with Journal(tmp_path / "map.tif", {"a": 1}) as journal:
        journal.begin()
        journal.sums.path.write_bytes(b"work")
        code = (
            "from pathlib import Path; from manet.prediction.resume import Journal; "
            f"Journal(Path({str(tmp_path / 'map.tif')!r}), {{'a': 1}}, restart=True)"
        )
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "another process works in" in result.stderr
        assert journal.sums.path.exists()


def test_a_map_with_holes_never_gets_its_name(tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "scene.tif", IMAGE)
    predictor = WindowContext(FunctionRuntime(brightness), 6, 32, 0)

    class Losing(WindowContext):
        """The first strip's file is lost after the second strip, as when someone tidies up."""

        def strips(self, *arguments: object, **options: object):
            for found in predictor.strips(*arguments, **options):  # type: ignore[arg-type]
                yield found
                if found.strip == 2 and found.last:
                    next((tmp_path / ".map.tif.unfinished").glob("strip-000000.zip")).unlink()

    with Scene(scene) as opened, pytest.raises(OutputError, match="pixels although the prediction is finished"):
        write_map(Losing(FunctionRuntime(brightness), 6, 32, 0), opened, Outputs(tmp_path / "map.tif"))
    assert not (tmp_path / "map.tif").exists()


def test_what_is_no_number_is_no_class(tmp_path: Path) -> None:
    probabilities = np.full((3, 1, 4), 1 / 3, np.float32)
    probabilities[:, 0, 1], probabilities[1, 0, 2], probabilities[:, 0, 3] = 0, np.nan, np.inf
    assert classes_of(probabilities).tolist() == [[0, IGNORED, IGNORED, IGNORED]]
    broken, of = tmp_path / "broken.safetensors", card()
    small = manet.build("fcn", encoder="regnetx_002", classes=2)
    with torch.no_grad():
        small.decoder.head[0].weight[0] = torch.nan  # type: ignore[index]
    recipe = Recipe(network=NetworkSettings(name="fcn", encoder="regnetx_002"))
    write_checkpoint(broken, small, of.model_copy(update={"recipe": recipe}))
    with pytest.raises(CheckpointError, match="no numbers"):
        read_checkpoint(broken)
