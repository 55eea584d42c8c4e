"""Exported networks: the same function as the network, at any size, in both contexts; refused where they are not."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from builders import FunctionRuntime, lively, textured, write_scene
from manet.card import Card, read_card
from manet.cli import app
from manet.cli.options import open_model
from manet.errors import CheckpointError, ExportError, NetworkError, OutputError
from manet.export.deepness import export_for_deepness
from manet.export.graphs import folded
from manet.export.parity import measure
from manet.export.write import export
from manet.legend import ISPRS
from manet.model import load
from manet.networks import Network, build
from manet.networks.checkpoint import read_checkpoint, write_checkpoint
from manet.prediction.scene_context import SceneContext
from manet.prediction.settings import PredictionSettings
from manet.raster.scene import Scene
from manet.recipe import NetworkSettings, Recipe
from manet.runtime.cache import cache_of, size_of
from manet.runtime.choose import Kind, choose_runtime
from manet.runtime.export_card import Parity, beside, read_export_card
from manet.runtime.graphs import Graphs, load_graphs
from manet.runtime.pytorch import PyTorch

KINDS: tuple[Kind, ...] = ("openvino", "onnxruntime")


@pytest.fixture(scope="module", autouse=True)
def _fewer_sizes() -> Iterator[None]:
    """Parity is measured at 512 x 768 too, which takes long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("manet.export.parity.SIZES", ((96, 160), (61, 37)))
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a lively network whose imagery has values of its own."""
    torch.manual_seed(0)
    network = lively(build("manet", encoder="resnet10t", classes=len(ISPRS)))
    return save(network, tmp_path_factory.mktemp("trained") / "best.safetensors")


def save(network: Network, path: Path, name: str = "manet", encoder: str = "resnet10t") -> Path:
    network.set_statistics([1.0, -2.0, 0.5], [3.0, 2.0, 1.0])
    card = Card(
        recipe=Recipe(network=NetworkSettings(name=name, encoder=encoder)),
        dataset="made up",
        legend=ISPRS,
        bands=("red", "green", "blue"),
        dtype="float32",
        band_mean=(1.0, -2.0, 0.5),
        band_std=(3.0, 2.0, 1.0),
        gsd_m=0.25,
        training_size=256,
        scores={},
        attribution="nobody",
        version="0",
    )
    write_checkpoint(path, network, card)
    return path


@pytest.fixture(scope="module")
def exported(trained: Path) -> Path:
    folder = trained.with_name("exported")
    export(trained, folder)
    return folder


@pytest.fixture(scope="module", params=KINDS)
def graphs(request: pytest.FixtureRequest, exported: Path) -> Graphs:
    return load_graphs(exported, request.param)


def runtime_of(checkpoint: Path) -> PyTorch:
    return PyTorch(read_checkpoint(checkpoint)[0])


def images_of(batch: int, height: int, width: int) -> torch.Tensor:
    torch.manual_seed(height)
    return textured(batch, 3, height, width) * 3


@pytest.mark.parametrize("size", [(1, 96, 160), (2, 64, 64), (5, 37, 61), (1, 320, 33)])
def test_an_exported_network_is_the_network_at_sizes_it_was_not_traced_at(
    size: tuple[int, int, int], graphs: Graphs, trained: Path
) -> None:
    network, found = runtime_of(trained), graphs
    images = images_of(*size).numpy()
    valid = np.ones((size[0], 1, *size[1:]), np.float32)
    valid[..., : size[1] // 2, size[2] // 3 :] = 0
    np.testing.assert_allclose(found.whole(images), network.whole(images), atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(found.whole(images, valid), network.whole(images, valid), atol=1e-4, rtol=1e-4)
    assert np.abs(network.whole(images, valid) - network.whole(images)).max() > 0.1


def test_images_of_one_size_after_another(graphs: Graphs, trained: Path) -> None:
    network, found = runtime_of(trained), graphs
    for height in (64, 64, 64, 96, 64, 96, 96):  # what is said of one size must not stay for the next
        images = (images_of(1, height, 128) + torch.randn(1)).numpy()
        np.testing.assert_allclose(found.whole(images), network.whole(images), atol=1e-4, rtol=1e-4)


def test_scene_context_is_that_of_the_network(graphs: Graphs, trained: Path, tmp_path: Path) -> None:
    image = images_of(1, 230, 290)[0].numpy() * np.linspace(0.2, 2, 290, dtype=np.float32)
    image[:, 60:130, 100:] = np.nan
    maps = []
    with Scene(write_scene(tmp_path / "scene.tif", image)) as scene:
        for runtime in (runtime_of(trained), graphs):
            predictor = SceneContext(runtime, len(ISPRS), 160, 32)
            probabilities = np.zeros((len(ISPRS), scene.height, scene.width), np.float32)
            for found in predictor.strips(scene, scene.window):
                probabilities[:, *found.window.slices] = found.probabilities
            maps.append(probabilities)
    np.testing.assert_allclose(maps[1], maps[0], atol=1e-4)
    assert maps[0].std() > 0.1


def test_parity_is_measured_at_sizes_that_are_not_traced(exported: Path) -> None:
    found = load_graphs(exported).export.parity
    assert {(one.height, one.width, one.case) for one in found} >= {
        (96, 160, "valid"),
        (61, 37, "nodata"),
        (32, 160, "scene"),
    }
    assert all(one.probability < 1e-5 for one in found)


def test_ties_are_not_counted_as_other_classes(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An untrained network's classes are nearly all ties, which bfloat16 breaks in other ways."""
    monkeypatch.setattr("manet.export.parity.SIZES", ((64, 96),))
    card = read_card(trained)
    tied = torch.zeros(1, len(card.legend), 64, 96)
    tied[:, 0] += 0.01
    clear = tied.clone()
    clear[:, 1, :32] += 3
    off = torch.zeros_like(tied)
    off[:, 2] += 0.02

    def parity(network: torch.Tensor, exported: torch.Tensor) -> Parity:
        runtimes = (FunctionRuntime(lambda *_, logits=logits: logits) for logits in (network, exported))
        return next(iter(measure(*runtimes, card, scene=False)))

    assert parity(tied, tied + off).equal_classes == 1 and parity(tied, tied + off).probability > 0
    assert parity(clear, clear + off).equal_classes == 1
    assert parity(clear, clear + 200 * off).equal_classes == 0
    clear[:, 1, 16:32, :48] -= 6
    assert parity(clear + off, clear.flip(3)).equal_classes == pytest.approx(2 / 3)


@pytest.mark.slow
def test_parity_at_a_large_size(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("manet.export.parity.SIZES", ((1024, 768),))
    parity = export(trained, tmp_path / "out").parity
    assert {(one.height, one.width, one.case) for one in parity} >= {(1024, 768, "valid"), (1024, 768, "nodata")}


def test_a_graph_that_differs_is_refused_and_nothing_is_left(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def broken(network: Network) -> Network:
        network = folded(network)
        network.band_mean += 0.5
        return network

    monkeypatch.setattr("manet.export.graphs.folded", broken)
    with pytest.raises(ExportError, match=r"differs at 96 x 160 pixels \(valid\).*not written"):
        export(trained, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_batch_norm_is_folded(trained: Path, exported: Path) -> None:
    network, _ = read_checkpoint(trained)
    images = images_of(1, 96, 64)
    with torch.inference_mode():
        torch.testing.assert_close(folded(network)(images), network(images), atol=1e-4, rtol=1e-4)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded(network).decoder.modules())
    for graph in ("whole", "encode", "decode"):
        written = (exported / f"{graph}.onnx").read_bytes()
        assert b"ConvTranspose" in written or graph == "encode"
        assert b"BatchNormalization" not in written


def test_deepness_can_load_its_file(trained: Path, tmp_path: Path) -> None:
    """As version 0.6.5 of the plug-in does: sizes into a spin box, imagery / 255 standardised, a threshold."""
    onnxruntime = pytest.importorskip("onnxruntime")
    arguments = ["export", str(trained), "--to", "deepness", "--size", "96", "--out", str(tmp_path / "d.onnx")]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["d.onnx"]
    session = onnxruntime.InferenceSession(tmp_path / "d.onnx")
    (port,) = session.get_inputs()
    assert port.shape[2:] == [96, 96] and isinstance(port.shape[0], str)
    found = {name: json.loads(text) for name, text in session.get_modelmeta().custom_metadata_map.items()}
    assert found["model_type"] == "Segmentor" and found["tile_size"] == found["tiles_size"] == 96
    assert found["class_names"] == {str(i): name for i, name in enumerate(ISPRS.names)}
    assert (found["resolution"], found["gsd_m"]) == (25, 0.25)
    assert (found["seg_thresh"], found["seg_small_segment"]) == (0, 0)
    (output,) = session.get_outputs()
    assert output.shape[1:] == [len(ISPRS), 96, 96]  # it takes the number of classes from here
    tiles = images_of(2, 96, 96).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()  # bytes, bands last
    mean, std = (np.array(found[f"standardization_{name}"], np.float32) for name in ("mean", "std"))
    fed = ((np.float32(tiles * 1.0 / 255.0) - mean) / std).transpose(0, 3, 1, 2)
    (given,) = session.run(None, {port.name: fed})
    expected = torch.from_numpy(runtime_of(trained).whole(tiles.transpose(0, 3, 1, 2).astype(np.float32))).softmax(1)
    np.testing.assert_allclose(given, expected.numpy(), atol=1e-4)
    np.testing.assert_allclose(given.sum(1), 1, atol=1e-5)
    given[given < found["seg_thresh"]] = 0
    assert (given.argmax(1) == expected.argmax(1).numpy()).mean() > 0.999
    for size in ("100", "0", "-32"):
        wrong = CliRunner().invoke(app, [*arguments[:5], size, "--out", str(tmp_path / "e.onnx")])
        assert isinstance(wrong.exception, ExportError) and "multiple of the network's stride" in str(wrong.exception)
    wrong = CliRunner().invoke(app, [*arguments[:-1], str(tmp_path / "e.txt")])
    assert isinstance(wrong.exception, ExportError) and "ends in .onnx" in str(wrong.exception)


def test_the_file_for_deepness_is_mapped_as_its_network(trained: Path, tmp_path: Path) -> None:
    """It gives probabilities; taken for logits, they would go through a second softmax."""
    file = tmp_path / "d.onnx"
    export_for_deepness(trained, file, size=96)
    tile = images_of(1, 96, 96).round().clamp(0, 255).byte().numpy()[0]
    settings = PredictionSettings(window=96, native=True, collar="keep")
    found, expected = (load(path).predict(tile, settings, axis=0).probabilities for path in (file, trained))
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert expected.max() > 0.4  # of six classes


SLOWER = ("fcn", "fcn-se", "fcn-eam", "fcn-fam", "deeplabv3plus", "eanet")


@pytest.mark.parametrize(
    "name", ["fcn-cbam", "fcn-lam", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOWER)]
)
def test_the_other_networks_are_exported_too(name: str, tmp_path: Path) -> None:
    encoder = "resnet10t" if name.startswith("fcn") else "resnet18"
    network = lively(build(name, encoder=encoder, classes=len(ISPRS)))
    card = export(save(network, tmp_path / "x.safetensors", name, encoder), tmp_path / "out")
    assert {found.case for found in card.parity} == {"valid", "nodata", "scene"}


def test_what_cannot_be_exported_is_said(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="give the prepared dataset"):
        export(trained, tmp_path / "out", "int8")
    (tmp_path / "mine").mkdir()
    with pytest.raises(OutputError, match="is no exported network"):
        export(trained, tmp_path / "mine", overwrite=True)
    with pytest.raises(CheckpointError, match="no exported network"):
        load_graphs(tmp_path / "mine")


def test_backends(trained: Path, exported: Path) -> None:
    assert isinstance(load(trained, device="cpu").runtime, PyTorch)
    assert isinstance(load(exported).runtime, Graphs)
    with pytest.raises(ExportError, match="torch does not run"):
        load(exported, runtime="torch")
    with pytest.raises(NetworkError, match="runs on a CPU"):
        load(exported, device="cuda")
    with pytest.raises(NetworkError, match="no network of PyTorch"):
        _ = load(exported).network


def test_exports_that_name_the_energy(exported: Path, tmp_path: Path) -> None:
    """Earlier versions could scale the channel attention's energy; only the paper's form is left."""
    card = json.loads((exported / "card.json").read_text())
    assert "energy" not in card
    (tmp_path / "card.json").write_text(json.dumps(card | {"energy": "paper"}))
    assert read_export_card(tmp_path) == read_export_card(exported)
    (tmp_path / "card.json").write_text(json.dumps(card | {"energy": "training"}))
    with pytest.raises(CheckpointError, match="energy 'training'.*only 'paper'"):
        read_export_card(tmp_path)


def test_a_checkpoint_is_exported_beside_itself_once(trained: Path, tmp_path: Path) -> None:
    own = tmp_path / "best.safetensors"
    own.write_bytes(trained.read_bytes())
    with pytest.raises(ExportError, match="no up-to-date export"):
        load(own, runtime="openvino")
    line = open_model(str(own), "openvino", "cpu").runtime.description
    assert line == f"openvino, float32: {tmp_path / 'best.onnx'}"
    written = (tmp_path / "best.onnx" / "whole.onnx").stat().st_mtime_ns
    assert load(own, device="cpu").runtime.description == line
    assert (tmp_path / "best.onnx" / "whole.onnx").stat().st_mtime_ns == written
    network, card = read_checkpoint(own)
    network.band_mean += 1
    write_checkpoint(own, network, card, overwrite=True)
    assert choose_runtime(own, "auto", "cpu") == "torch"  # what lies beside it is of other weights


def test_the_command(trained: Path, tmp_path: Path) -> None:
    arguments: list[Any] = ["export", str(trained), "--precision", "bf16", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "100.000 % equal classes" in " ".join(result.output.split())
    network = load_graphs(tmp_path / "out")
    assert network.export.precision == "bf16" and network.computes_in in ("bfloat16", "float32")
    assert network._session("summarise").computes_in == "float32"  # sums that are merged, whatever the processor has
    with pytest.raises(ExportError, match="no bfloat16 convolutions"):
        _ = load_graphs(tmp_path / "out", "onnxruntime").computes_in
    assert isinstance(CliRunner().invoke(app, arguments).exception, OutputError)


def test_predict_takes_exported_networks_and_says_what_it_runs_on(
    trained: Path, exported: Path, tmp_path: Path
) -> None:
    image = textured(1, 3, 130, 190)[0].numpy() * 3
    scene = write_scene(tmp_path / "scene.tif", image)
    words, maps = [], []
    fixed = ["--window", "96", "--overlap", "32", "--native", "--device", "cpu"]
    for name, source in (("torch", [trained, "--backend", "torch"]), ("exported", [exported])):
        out = tmp_path / f"{name}.tif"
        arguments = ["predict", *source, scene, "--out", out, *fixed]
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "300"})
        assert result.exit_code == 0, result.output
        words.append(result.stdout)
        with Scene(out) as written:
            maps.append(written.read(written.window)[0][0])
    assert "runs on torch, float32, cpu" in words[0]
    assert "runs on openvino" in words[1] or "runs on onnxruntime" in words[1]
    assert len(np.unique(maps[0])) > 2 and (maps[0] == maps[1]).mean() > 0.999


def test_a_prediction_by_openvino_imports_no_networks(trained: Path, tmp_path: Path) -> None:
    """The import of torch is most of a small prediction: nothing comes on top that it does not need."""
    export(trained, beside(trained), overwrite=True)
    scene = write_scene(tmp_path / "scene.tif", textured(1, 3, 64, 96)[0].numpy())
    code = (
        "import sys; from manet.cli import app; "
        f"app(['predict', {str(trained)!r}, {str(scene)!r}, '--out', {str(tmp_path / 'map.tif')!r}], "
        "standalone_mode=False); print(sorted({'timm', 'torchvision', 'lightning'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]" and "openvino" in done.stdout
    assert (tmp_path / "map.tif").exists()


def test_weights_lie_once_beside_the_graphs(trained: Path, exported: Path, tmp_path: Path) -> None:
    card = export(trained, tmp_path / "half", half=True)
    network, _ = read_checkpoint(trained)
    weights = sum(tensor.numel() for tensor in folded(network).state_dict().values())
    assert 4 * weights <= size_of(exported) < 4.5 * weights + 300_000
    assert 2 * weights < size_of(tmp_path / "half") < 2.5 * weights + 300_000
    assert all(1e-6 < found.probability < 0.01 for found in card.parity) and card.half
    images = images_of(1, 96, 128).numpy()
    for kind in KINDS:
        found = load_graphs(tmp_path / "half", kind).whole(images)
        np.testing.assert_allclose(found, runtime_of(trained).whole(images), atol=0.05)
        assert np.abs(found - load_graphs(exported, kind).whole(images)).max() > 1e-5


def test_weights_beyond_half_precision_are_refused(trained: Path, tmp_path: Path) -> None:
    network, card = read_checkpoint(trained)
    with torch.no_grad():
        next(iter(network.encoder.parameters())).mul_(1e6)
    write_checkpoint(tmp_path / "wide.safetensors", network, card)
    with pytest.raises(ExportError, match="65504"):
        export(tmp_path / "wide.safetensors", tmp_path / "out", half=True)
    assert not (tmp_path / "out").exists()


def test_graphs_know_what_windows_need(trained: Path, graphs: Graphs) -> None:
    assert graphs.theoretical_halo() == runtime_of(trained).theoretical_halo() > 100
    found = graphs.bytes_per_pixel()
    assert found is None or 50 < found < 5000


def test_compiled_graphs_are_kept(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MANET_CACHE", str(tmp_path))
    images = images_of(1, 64, 96).numpy()
    first = load_graphs(exported, "openvino").whole(images)
    (own,) = tmp_path.iterdir()
    assert own.name == load_graphs(exported).digest[:16] and size_of(own) > 1e6
    np.testing.assert_array_equal(load_graphs(exported, "openvino").whole(images), first)
    monkeypatch.setattr("manet.runtime.cache.LARGEST", 10)
    assert cache_of("another digest that is long") == tmp_path / "another digest t"
    assert [path.name for path in tmp_path.iterdir()] == ["another digest t"]
    monkeypatch.setenv("MANET_CACHE", "off")
    assert cache_of("1234") is None
