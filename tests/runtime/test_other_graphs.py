"""Networks of others, from ONNX files: mapped as their authors would, window by window, or refused in one line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from builders import Run, one_line, textured, write_scene
from manet.errors import CheckpointError, NetworkError, OptionError
from manet.model import load
from manet.prediction.settings import PredictionSettings
from manet.raster.scene import Scene
from manet.runtime.choose import Kind

KINDS: tuple[Kind, ...] = ("openvino", "onnxruntime")

DEEPNESS = {
    "model_type": "Segmentor",
    "class_names": {"0": "other", "1": "roof", "2": "road"},
    "resolution": 25,
    "tiles_size": 64,
    "standardization_mean": [0.4, 0.5, 0.6],
    "standardization_std": [0.2, 0.25, 0.3],
}


def write_network(
    path: Path,
    size: tuple[Any, Any] = ("height", "width"),
    classes: int = 3,
    metadata: dict[str, Any] | None = None,
    last: str | None = None,
) -> np.ndarray:
    """A network of one 1x1 convolution; its weights (classes, 3)."""
    weights = np.random.default_rng(0).normal(size=(classes, 3)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["image", "weights"], ["scores" if last is None else "raw"])]
    if last is not None:
        nodes.append(helper.make_node(last, ["raw"], ["scores"], **({"axis": 1} if last == "Softmax" else {})))
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 3, *size))],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, (1, classes, *size))],
        [numpy_helper.from_array(weights[:, :, None, None], "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, {name: json.dumps(value) for name, value in (metadata or {}).items()})
    onnx.save(model, path)
    return weights


def brightness(height: int, width: int) -> np.ndarray:
    return (textured(1, 3, height, width)[0].numpy() * 40 + 120).clip(0, 255).astype(np.uint8)


def expected(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    mean, std = (np.array(DEEPNESS[f"standardization_{name}"])[:, None, None] for name in ("mean", "std"))
    scores = np.einsum("kc,chw->khw", weights, (image / 255 - mean) / std)
    exp = np.exp(scores - scores.max(0))
    return exp / exp.sum(0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [("height", "width"), (64, 64), (64, 96)])
def test_a_network_with_the_metadata_of_deepness(kind: Kind, size: tuple[Any, Any], tmp_path: Path) -> None:
    weights = write_network(tmp_path / "zoo.onnx", size, metadata=DEEPNESS)
    image = brightness(150, 210)
    model = load(tmp_path / "zoo.onnx", runtime=kind)
    assert model.legend.names == ["other", "roof", "road"] and model.card.gsd_m == 0.25
    found = model.predict(image, PredictionSettings(overlap=16))
    np.testing.assert_allclose(found.probabilities, expected(image, weights), atol=1e-5)
    assert len(np.unique(found.classes)) == 3


def test_one_channel_is_the_second_class(tmp_path: Path) -> None:
    two = DEEPNESS | {"class_names": {"0": "other", "1": "roof"}}
    weights = write_network(tmp_path / "zoo.onnx", classes=1, metadata=two, last="Sigmoid")
    (tmp_path / "zoo.card.json").write_text(
        json.dumps(
            {
                "classes": ["other", "roof"],
                "mean": two["standardization_mean"],
                "std": two["standardization_std"],
                "gives": "probabilities",
            }
        )
    )
    image = brightness(90, 70)
    found = load(tmp_path / "zoo.onnx").predict(image).probabilities
    second = expected(image, np.concatenate([np.zeros_like(weights), weights]))[1]
    np.testing.assert_allclose(found[1], second, atol=1e-5)
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    file = tmp_path / "zoo.onnx"
    write_network(file)
    with pytest.raises(CheckpointError, match="write a card for it"):
        load(file)
    write_network(file, metadata=DEEPNESS | {"class_names": {"0": "other", "1": "roof"}})
    with pytest.raises(CheckpointError, match="gives 3 channels, its card names 2 classes"):
        load(file)
    write_network(file, metadata=DEEPNESS | {"model_type": "Detector"})
    with pytest.raises(CheckpointError, match="only a Segmentor"):
        load(file)
    write_network(file, metadata=DEEPNESS | {"standardization_mean": [0.1] * 4, "standardization_std": [1.0] * 4})
    with pytest.raises(CheckpointError, match="takes 3 bands, its card names 4"):
        load(file)
    write_network(file, (64, 64), metadata=DEEPNESS)
    with pytest.raises(OptionError, match="window of 128.*takes images of 64 x 64"):
        load(file).predict(brightness(150, 150), PredictionSettings(window=128))
    with pytest.raises(NetworkError, match="no scene context"):
        load(file).predict(brightness(150, 150), PredictionSettings(context="scene"))
    file.write_bytes(b"not onnx")
    with pytest.raises(CheckpointError, match="not an ONNX file"):
        load(file)


def test_the_card_command_and_a_map(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.onnx"
    weights = write_network(file)
    status, _, error = run("card", file)
    assert status == 2 and "(see --classes)" in one_line(error)
    statistics = "--mean", "0.4,0.5,0.6", "--std", "0.2,0.25,0.3"
    status, text, _ = run("card", file, "--classes", "other, roof,road", *statistics)
    assert status == 0 and "manet predict --model" in text
    assert run("card", file, "--classes", "a,b,c")[0] == 2  # it is there
    status, _, error = run("card", file, "--classes", "a,b,c", "--std", "1,2", "--overwrite")
    assert status == 2 and "a value for each band" in one_line(error)
    image = brightness(80, 120)
    scene = write_scene(tmp_path / "scene.tif", image)
    polygons = "--polygons", tmp_path / "p.gpkg", "--probabilities", tmp_path / "p.tif"
    status, _, error = run("predict", "--model", file, scene, "--out", tmp_path / "map.tif", *polygons)
    assert status == 0, error
    with Scene(tmp_path / "map.tif") as raster:
        classes = raster.read(raster.window)[0][0]
    np.testing.assert_array_equal(classes, expected(image, weights).argmax(0))
    assert (tmp_path / "p.gpkg").is_file()
