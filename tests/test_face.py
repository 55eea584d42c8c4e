"""The library's face: what `import manet` offers, each in one call, and one clear error for every mistake."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from rasterio.io import MemoryFile

import manet
from builders import RGB, card, lively, picture, write_scene
from manet.datasets.manifest import Manifest
from manet.errors import CheckpointError, NetworkError, OptionError, OutputError, SceneError, StatisticsWarning
from manet.legend import BUILDINGS, IGNORED
from manet.model import Model
from manet.networks import Network
from manet.raster.polygons import PolygonSettings
from manet.recipe import Recipe
from manet.runtime.pytorch import PyTorch


@pytest.fixture(scope="module")
def model() -> Model:
    torch.manual_seed(0)
    network, of = lively(manet.build("manet", encoder="regnetx_002", bands=3, classes=2)), card(RGB)
    network.set_statistics(of.band_mean, of.band_std)
    with torch.no_grad():  # half of the pixels to each class
        logits = network(torch.from_numpy((picture(3) * 255).astype(np.uint8)[None].astype(np.float32)))
        last = [module for module in network.decoder.modules() if isinstance(module, torch.nn.Conv2d)][-1]
        assert last.bias is not None
        last.bias[1] -= (logits[:, 1] - logits[:, 0]).median()
    return Model(PyTorch(network), of)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return (picture(3) * 255).astype(np.uint8)


def test_dir_shows_the_face() -> None:
    assert {"load", "predict_scene", "train", "evaluate", "prepare", "build", "save", "Model"} <= set(dir(manet))
    for name in dir(manet):
        assert getattr(manet, name) is not None
    assert (Path(manet.__file__).parent / "py.typed").exists()
    with pytest.raises(AttributeError, match="no attribute 'predict_all'"):
        _ = manet.predict_all  # type: ignore[attr-defined]


def test_importing_and_loading_import_only_what_they_need(tmp_path: Path) -> None:
    code = (
        "import sys, manet; heavy = {'torch', 'rasterio', 'numpy'} & set(sys.modules); assert not heavy, heavy; "
        "manet.load('town'); assert 'rasterio' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_of_what_comes_with_manet() -> None:
    assert "banepa" in manet.list_models() and "paper" in manet.list_recipes()
    assert {"manet", "fcn", "danet"} <= set(manet.list_networks())


def test_an_array_a_file_and_a_dataset_give_one_map(model: Model, image: np.ndarray, tmp_path: Path) -> None:
    path = write_scene(tmp_path / "scene.tif", image)
    settings = manet.PredictionSettings(window=96, overlap=16, native=True)
    expected = model.predict(image, settings)
    assert expected.classes.shape == image.shape[1:] and len(np.unique(expected.classes)) == 2
    assert expected.probabilities.shape == (2, *image.shape[1:]) and expected.crs is None
    with rasterio.open(path) as dataset, MemoryFile(path.read_bytes()) as memory, memory.open() as in_memory:
        for given in (image.transpose(1, 2, 0), path, str(path), dataset, in_memory):
            found = model.predict(given, settings)
            np.testing.assert_array_equal(found.classes, expected.classes)
        assert found.crs == dataset.crs and found.transform == dataset.transform


def test_masked_pixels_of_an_array_are_nodata(model: Model, image: np.ndarray) -> None:
    hidden = np.zeros(image.shape, bool)
    hidden[1, 30:70, 20:50] = True
    masked = np.ma.array(np.where(hidden, 200, image), mask=hidden)
    settings = manet.PredictionSettings(window=96, overlap=16, native=True)
    for given in (masked, masked.transpose(1, 2, 0)):
        classes = model.predict(given, settings).classes
        assert (classes[30:70, 20:50] == IGNORED).all() and (classes == IGNORED).sum() == 40 * 30


def test_scene_context_of_an_array(model: Model, image: np.ndarray) -> None:
    settings = manet.PredictionSettings(context="scene", window=512, halo=96)
    found = model.predict(image, settings)
    whole = model.runtime.whole(image[None].astype(np.float32))
    expected = torch.from_numpy(whole).softmax(1)[0].numpy()
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)


def test_a_prediction_saves_itself(model: Model, image: np.ndarray, tmp_path: Path) -> None:
    prediction = model.predict(write_scene(tmp_path / "scene.tif", image), manet.PredictionSettings(native=True))
    prediction.save(tmp_path / "map.tif", probabilities=tmp_path / "p.tif")
    with rasterio.open(tmp_path / "map.tif") as raster:
        np.testing.assert_array_equal(raster.read(1), prediction.classes)
        assert raster.crs == prediction.crs
    with pytest.raises(OutputError, match="exists already"):
        prediction.save(tmp_path / "map.tif")
    features = prediction.polygons(tmp_path / "map.gpkg", PolygonSettings(simplify=0, least_area_m2=0))
    assert features and {f["properties"]["name"] for f in features} == {"building"}
    pixels = sum(f["properties"]["area_m2"] for f in features) / 0.01
    assert pixels == pytest.approx((prediction.classes == 1).sum(), rel=1e-2)  # the projection stretches
    assert (tmp_path / "map.gpkg").exists() and prediction.plot().get_legend() is not None
    assert "data:image/png" in prediction._repr_html_() and "151 x 203" in repr(prediction)
    assert sum(prediction.shares.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("array", "error", "words"),
    [
        (np.zeros((4, 20, 30), np.uint8), SceneError, r"shape \(4, 20, 30\).*3 bands \(red, green, blue\)"),
        (np.zeros((20, 30), np.uint8), SceneError, r"shape \(20, 30\)"),
        (np.zeros((3, 40, 40), bool), SceneError, "type bool"),
        (np.zeros((3, 40, 40), complex), SceneError, "type complex"),
        (np.zeros((3, 40, 3), np.uint8), OptionError, "axis"),
        ([[1, 2]], SceneError, "type list"),
    ],
)
def test_arrays_that_cannot_be_mapped(array: object, error: type[Exception], words: str, model: Model) -> None:
    with pytest.raises(error, match=words):
        model.predict(array)  # type: ignore[arg-type]


def test_the_axis_of_the_bands_can_be_said(model: Model) -> None:
    array = np.random.default_rng(0).integers(0, 255, (3, 40, 3), dtype=np.uint8)
    assert model.predict(array, axis=0).classes.shape == (40, 3)
    assert model.predict(array, axis=2).classes.shape == (3, 40)


def test_values_scaled_to_1_are_refused(model: Model, image: np.ndarray) -> None:
    with pytest.raises(SceneError, match="the array .* as if they were scaled to 0 to 1"):
        model.predict((image / 255).astype(np.float32))


def test_a_model_says_what_it_is(model: Model) -> None:
    assert "background, building" in repr(model) and len(repr(model).splitlines()) <= 10
    assert "<table>" in model._repr_html_()


def test_models_by_name_checkpoint_and_run(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path / "best.safetensors")
    for given in (tmp_path / "best.safetensors", tmp_path, str(tmp_path)):
        assert manet.load(given).card == model.card
    assert manet.load("banepa").legend.names == BUILDINGS.names
    with pytest.raises(CheckpointError, match=r"no released model 'banepp'.*nearest: banepa"):
        manet.load("banepp")
    with pytest.raises(FileNotFoundError):
        manet.load(tmp_path / "nothing.safetensors")


def test_a_network_trained_in_a_loop_of_ones_own(image: np.ndarray, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = manet.build("fcn", encoder="resnet10t", bands=3, classes=2)
    with pytest.warns(StatisticsWarning, match="set_statistics"):
        manet.save(network, tmp_path / "unset.safetensors", legend=BUILDINGS)
    network.set_statistics([128, 128, 128], [60, 60, 60])
    images = torch.from_numpy(image[None, :, :128, :160].astype(np.float32))
    labels = (images[:, 0] > 128).long()
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(2):
        loss = torch.nn.functional.cross_entropy(network(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    manet.save(network, tmp_path / "mine.safetensors", legend=BUILDINGS, gsd_m=0.1)
    loaded = manet.load(tmp_path / "mine.safetensors")
    assert isinstance(loaded.network, Network) and loaded.card.gsd_m == 0.1
    with torch.inference_mode():
        expected = network.eval()(images).argmax(1)[0].numpy()
    np.testing.assert_array_equal(loaded.predict(image[:, :128, :160]).classes, expected)
    with pytest.raises(NetworkError, match="2 classes"):
        manet.save(network, tmp_path / "x.safetensors")
    with pytest.raises(NetworkError, match="2 names of bands"):
        manet.save(network, tmp_path / "x.safetensors", legend=BUILDINGS, bands=("red", "green"))


def test_training_and_evaluation_in_one_call(town: tuple[Path, Manifest], tiny_recipe: Recipe, tmp_path: Path) -> None:
    model = manet.train(town[0], tiny_recipe, tmp_path / "run", device="cpu")
    evaluation = manet.evaluate(model, town[0])
    assert evaluation.protocol.split == "test"
    labelled = sum(c.pixels for c in evaluation.scores.classes.values())
    assert np.array(evaluation.confusion).sum() == labelled
    assert manet.load(tmp_path / "run").card == model.card


@pytest.mark.slow
def test_the_page_of_python(tmp_path: Path) -> None:
    script = Path(__file__).parents[1] / "examples/python.py"
    subprocess.run([sys.executable, script, tmp_path / "out"], check=True)
    with rasterio.open(tmp_path / "out/map.tif") as raster:
        assert raster.shape == (3000, 3000)
    assert (tmp_path / "out/map.gpkg").exists() and (tmp_path / "out/mine.safetensors").exists()
