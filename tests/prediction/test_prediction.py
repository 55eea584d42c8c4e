"""Maps: blending, nodata, the file that is written, memory that does not grow with the scene's height."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from torch import Tensor

from builders import FunctionRuntime, Recorded, brightness, write_map, write_scene
from manet.datasets.manifest import Manifest
from manet.errors import OptionError, OutputError
from manet.evaluation.protocol import PredictionProtocol
from manet.evaluation.scoring import score_split
from manet.legend import IGNORED, ISPRS
from manet.prediction.blend import blend, weights
from manet.prediction.outputs import Outputs
from manet.prediction.window_context import WindowContext
from manet.raster.scene import Scene
from manet.raster.windows import Window

Function = Callable[[Tensor, Tensor | None], Tensor]


def assembled(pieces: Iterable[tuple[Window, np.ndarray]], area: Window) -> np.ndarray:
    """One array from the pieces, each pixel given exactly once."""
    whole, seen = np.zeros((area.height, area.width), np.uint8), np.zeros((area.height, area.width), int)
    for piece, values in pieces:
        whole[piece.within(area).slices] = values
        seen[piece.within(area).slices] += 1
    assert (seen == 1).all()
    return whole


def windows(network: Function, window: int, overlap: int) -> WindowContext:
    return WindowContext(FunctionRuntime(network), 6, window, overlap)


def map_to(out: Path, network: Function, scene: Scene) -> None:
    write_map(windows(network, 64, 16), scene, Outputs(out))


@pytest.fixture
def scene_path(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    return write_scene(tmp_path / "scene.tif", rng.integers(1, 255, (3, 150, 230), dtype=np.uint8), nodata=0)


def test_blending_is_the_weighted_mean_of_the_windows_over_each_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    area, classes, overlap = Window(10, 20, 75, 90), 3, 12
    rng = np.random.default_rng(1)
    cut = windows(brightness, 32, overlap).windows(area)
    parts = [(w, rng.random((classes, w.height, w.width), dtype=np.float32)) for w in cut]
    total, weight = np.zeros((classes, 75, 90)), np.zeros((75, 90))
    for window, probabilities in parts:
        rows, columns = window.within(area).slices
        share = weights(window.height, window.width, overlap)
        total[:, rows, columns] += probabilities * share
        weight[rows, columns] += share
    monkeypatch.setattr("manet.prediction.blend.COLUMNS", 40)
    found, seen = np.zeros((classes, 75, 90)), np.zeros((75, 90), int)
    for _, piece, probabilities, _ in blend(iter(parts), area, classes, overlap):
        assert piece.height <= 32 and piece.width <= 40
        rows, columns = piece.within(area).slices
        found[:, rows, columns] = probabilities
        seen[rows, columns] += 1
    assert (seen == 1).all()
    np.testing.assert_allclose(found, total / weight, rtol=1e-5)


def test_a_network_of_single_pixels_gives_the_same_map_for_every_tiling(scene_path: Path) -> None:
    with Scene(scene_path) as scene:
        image, _ = scene.read(scene.window)
        expected = brightness(torch.from_numpy(image[None].astype(np.float32)), None).argmax(1)[0].numpy()
        for window, overlap in ((64, 0), (64, 17), (50, 37), (512, 64)):
            pieces = windows(brightness, window, overlap).classes(scene, scene.window)
            np.testing.assert_array_equal(assembled(pieces, scene.window), expected)


def test_nodata_is_never_predicted_and_empty_windows_are_not_computed(tmp_path: Path) -> None:
    image = np.full((3, 128, 96), 200, np.uint8)
    image[:, :70] = 0
    image[:, 100, 50] = 0
    seen: list[int] = []

    def counting(images: Tensor, valid: Tensor | None) -> Tensor:
        seen.append(0 if valid is None else int((valid == 0).sum()))
        return brightness(images, valid)

    with Scene(write_scene(tmp_path / "nodata.tif", image, nodata=0)) as scene:
        prediction = assembled(windows(counting, 32, 0).classes(scene, scene.window), scene.window)
    np.testing.assert_array_equal(prediction == IGNORED, image[0] == 0)
    assert len(seen) == 6  # two of the four rows of three windows hold nothing
    assert seen == [6 * 32] * 3 + [0, 1, 0]


def test_the_map_is_a_georeferenced_class_raster(scene_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "map.tif"
    with Scene(scene_path) as scene:
        map_to(out, brightness, scene)
    with rasterio.open(out) as raster, rasterio.open(scene_path) as source:
        assert (raster.crs, raster.transform, raster.shape) == (source.crs, source.transform, source.shape)
        assert (raster.dtypes, raster.nodata, raster.block_shapes) == (("uint8",), IGNORED, [(512, 512)])
        assert raster.profile["compress"] == "deflate"
        assert raster.colormap(1)[1] == (0, 0, 255, 255)
    names = (tmp_path / "map.tif.aux.xml").read_text()
    assert names.index("impervious surfaces") < names.index("building") < names.index("clutter")
    with Scene(scene_path) as scene, pytest.raises(OutputError, match="exists already"):
        map_to(out, brightness, scene)


def test_nothing_is_left_when_prediction_fails(scene_path: Path, tmp_path: Path) -> None:
    def failing(images: Tensor, valid: Tensor | None) -> Tensor:
        raise RuntimeError("no")

    folder = tmp_path / "out"
    with Scene(scene_path) as scene, pytest.raises(RuntimeError):
        map_to(folder / "map.tif", failing, scene)
    assert list(folder.iterdir()) == []


def test_wrong_tilings() -> None:
    with pytest.raises(OptionError, match="overlap smaller"):
        windows(brightness, 64, 64)


def test_evaluation_counts_every_labelled_pixel_once(town: tuple[Path, Manifest]) -> None:
    folder, manifest = town
    predictor = windows(brightness, 100, 30).classes
    settings = PredictionProtocol(window=100, overlap=30)
    (evaluation,) = score_split(predictor, folder, manifest, "test", settings)
    area = manifest.splits["test"][0].window
    with Scene(folder / "images/town.tif") as scene, Scene(folder / "labels/town.tif") as labels:
        image, truth = scene.read(area)[0], labels.read(area)[0][0]
    prediction = brightness(torch.from_numpy(image[None].astype(np.float32)), None).argmax(1)[0].numpy()
    expected = np.zeros((6, 6), int)
    np.add.at(expected, (truth.ravel(), prediction.ravel()), 1)
    np.testing.assert_array_equal(evaluation.confusion, expected)
    assert evaluation.protocol.foreground == tuple(ISPRS.names[:5])
    assert (evaluation.protocol.window, evaluation.protocol.overlap) == (100, 30)


MEMORY = """
import resource, sys, torch
from pathlib import Path
from manet.card import read_card
from manet.networks import build
from manet.prediction.outputs import Outputs
from manet.prediction.predict_scene import predict_scene
from manet.prediction.settings import PredictionSettings
from manet.released import released
from manet.runtime.pytorch import PyTorch
torch.set_num_threads(1)
card = read_card(released()["town"]).model_copy(update={"gsd_m": None})
runtime = PyTorch(build("manet", encoder="regnetx_002").eval())
settings = PredictionSettings(window=256, overlap=32)
predict_scene(runtime, card, sys.argv[1], Outputs(Path(sys.argv[2])), settings)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is read with the resource module")
def test_peak_memory_does_not_grow_with_the_height_of_the_scene(tmp_path: Path) -> None:
    peaks = []
    for height in (1024, 10240):
        path = tmp_path / f"{height}.tif"
        write_scene(path, np.random.default_rng(0).integers(0, 255, (3, height, 512), dtype=np.uint8))
        command = [sys.executable, "-c", MEMORY, str(path), str(tmp_path / f"map{height}.tif")]
        environment = os.environ | {"MALLOC_ARENA_MAX": "1"}
        result = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        peaks.append(int(result.stdout))
    assert peaks[1] <= 1.05 * peaks[0], peaks


class Small(FunctionRuntime):
    """A runtime whose device holds so many images at once."""

    def __init__(self, holds: int) -> None:
        super().__init__(brightness)
        self.holds, self.batches = holds, list[int]()

    def out_of_memory(self, error: Exception) -> bool:
        return isinstance(error, torch.OutOfMemoryError)

    def whole(self, images: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
        if len(images) > self.holds:
            raise torch.OutOfMemoryError("no memory")
        self.batches.append(len(images))
        return super().whole(images, valid)


def test_a_device_without_memory_is_answered_once_by_a_smaller_batch(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(1, 256, (3, 150, 203), dtype=np.uint8)
    image[:, :70, :80] = 0
    with Scene(write_scene(tmp_path / "scene.tif", image, nodata=0)) as scene:
        expected = windows(brightness, 64, 16).whole(scene, scene.window)
        for holds, said in ((4, 0), (2, 1)):
            runtime, recorded = Small(holds), Recorded()
            predictor = WindowContext(runtime, 6, 64, 16, batch=4, progress=recorded)
            np.testing.assert_array_equal(predictor.whole(scene, scene.window), expected)
            assert max(runtime.batches) == holds and len(recorded.lines) == said
        for batch in (1, 4):
            with pytest.raises(OptionError, match="memory of cpu") as refused:
                WindowContext(Small(batch // 4), 6, 64, 16, batch=batch).whole(scene, scene.window)
            assert refused.value.option == "window"
