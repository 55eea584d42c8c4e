"""A prediction that was stopped goes on with the same command, and its rasters are the same to the byte."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio

from builders import write_map, write_scene
from manet.errors import OutputError
from manet.networks import Network
from manet.prediction import summary_tree as sums
from manet.prediction.outputs import Outputs
from manet.prediction.predictor import Predictor
from manet.prediction.resume import Journal
from manet.prediction.scene_context import SceneContext
from manet.prediction.window_context import WindowContext
from manet.raster.scene import Scene
from manet.runtime.protocol import Features, Floats
from manet.runtime.pytorch import PyTorch

HEIGHT, WIDTH = 400, 130


class Stopped(BaseException):
    """As a kill would."""


class Stopping(PyTorch):
    """A network that stops after some calls of its encoder, its decoder or of itself."""

    def __init__(self, network: Network, calls: int) -> None:
        super().__init__(network)
        self.left = calls

    def _count(self) -> None:
        if self.left == 0:
            raise Stopped
        self.left -= 1

    def whole(self, images: Floats, valid: Floats | None = None) -> Floats:
        self._count()
        return super().whole(images, valid)

    def encode(self, images: Floats, valid: Floats | None = None) -> Features:
        self._count()
        return super().encode(images, valid)

    def decode(self, features: Features) -> Floats:
        self._count()
        return super().decode(features)


def predictor(network: Network | PyTorch, context: str) -> Predictor:
    runtime = network if isinstance(network, PyTorch) else PyTorch(network)
    if context == "window":
        return WindowContext(runtime, 6, 96, 56)  # three rows of windows reach into a strip
    return SceneContext(runtime, 6, 160, 32, cache_bytes=500_000)


@pytest.fixture(scope="module")
def scene_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = np.random.default_rng(0).integers(1, 255, (3, HEIGHT, WIDTH), dtype=np.uint8)
    image[:, 30:70, 40:60] = 0
    image[:, 96:192] = 0  # a strip of scene context without a valid pixel
    return write_scene(tmp_path_factory.mktemp("scene") / "scene.tif", image, nodata=0)


@pytest.fixture(autouse=True)
def _save_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "SAVE_EVERY", 0)


def run(scene_path: Path, folder: Path, predictor: Predictor, **settings: object) -> list[int]:
    """What `done` was called with."""
    outputs = Outputs(folder / "map.tif", folder / "shares.tif", folder / "doubt.tif")
    with Scene(scene_path) as scene:
        return write_map(predictor, scene, outputs, **settings)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("context", ["window", "scene"])
def test_stopped_anywhere_the_bytes_are_the_same(
    context: str, network: Network, scene_path: Path, tmp_path: Path
) -> None:
    counting = Stopping(network, 10**9)
    total = run(scene_path, tmp_path / "whole", predictor(counting, context))[-1]
    whole, calls = contents(tmp_path / "whole"), 10**9 - counting.left
    spared = 0
    for moment in (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95):
        folder = tmp_path / str(moment)
        with pytest.raises(Stopped):
            run(scene_path, folder, predictor(Stopping(network, round(moment * calls)), context))
        assert not (folder / "map.tif").exists()
        resumed = run(scene_path, folder, predictor(network, context))
        assert resumed[-1] == total and resumed == sorted(resumed)
        spared += resumed[0]
        assert contents(folder) == whole
    assert spared > total  # of seven times the total, half at best


def test_stopped_again_and_again(network: Network, scene_path: Path, tmp_path: Path) -> None:
    run(scene_path, tmp_path / "whole", predictor(network, "scene"))
    stops = 0
    while not (tmp_path / "out/map.tif").exists():
        try:
            run(scene_path, tmp_path / "out", predictor(Stopping(network, 5), "scene"))
        except Stopped:
            stops += 1
            assert stops < 30
    assert stops > 3 and contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_stopped_while_the_rasters_are_written(
    network: Network, scene_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there by then is the prediction's own, and written again; so are leftovers under temporary names."""
    run(scene_path, tmp_path / "whole", predictor(network, "window"))

    def stop(*_: object, **__: object) -> Iterator[None]:
        raise Stopped

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr("manet.prediction.outputs.write_classes", stop)
        run(scene_path, tmp_path / "out", predictor(network, "window"))
    assert (tmp_path / "out/shares.tif").exists() and not (tmp_path / "out/map.tif").exists()
    (tmp_path / "out/.map.tif.partial-123.tif").write_bytes(b"half")
    run(scene_path, tmp_path / "out", predictor(Stopping(network, 0), "window"))
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_the_day_is_that_of_the_first_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outputs name it, so their bytes would depend on when a prediction is resumed."""
    monkeypatch.setattr("manet.prediction.resume.today", lambda: "2026-01-01")
    with pytest.raises(KeyboardInterrupt), Journal(tmp_path / "map.tif", {}) as journal:
        journal.begin()
        journal.strips.write(0, ())
        raise KeyboardInterrupt
    monkeypatch.setattr("manet.prediction.resume.today", lambda: "2026-01-02")
    with Journal(tmp_path / "map.tif", {}) as journal:
        assert journal.begun == "2026-01-01"
    with Journal(tmp_path / "map.tif", {}) as journal:
        assert journal.begun == "2026-01-02"


def test_other_settings_are_refused(network: Network, scene_path: Path, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        run(scene_path, tmp_path, predictor(Stopping(network, 9), "window"), device="cpu", window=96)
    with pytest.raises(OutputError, match=r"unfinished prediction with another window \(96, now 128\).*restart"):
        run(scene_path, tmp_path, predictor(network, "window"), device="cpu", window=128)
    with pytest.raises(OutputError, match=r"another overlap \(None, now 64\)"):
        run(scene_path, tmp_path, predictor(network, "window"), device="cpu", window=96, overlap=64)
    assert Journal(tmp_path / "map.tif", {"device": "cpu", "window": 96}).strips.finished > 0
    assert Journal(tmp_path / "map.tif", {"device": "cuda"}, restart=True).strips.finished == 0


LIMITED = """
import resource, sys
from manet.cli import main
bytes = int(sys.argv.pop(1))
if bytes:
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes, bytes))
from manet.prediction import summary_tree as sums
from manet.cli import progress
sums.SAVE_EVERY = progress.EVENT_EVERY_S = 0
main()
"""


def command(checkpoint: Path, scene: Path, out: Path, *options: str, most: int = 0) -> list[str]:
    """most: how large a file may become, bytes; 0 for no limit."""
    options = ("--out", str(out), "--device", "cpu", *options)
    return [sys.executable, "-c", LIMITED, str(most), "predict", str(checkpoint), str(scene), *options]


NO_LIMITS = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for files")


@NO_LIMITS
def test_a_full_disk_is_one_line_and_the_command_goes_on(checkpoint: Path, scene_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "map.tif"
    options = ("--probabilities", str(tmp_path / "p.tif"), "--window", "32", "--overlap", "0")
    for most in (20_000, 130_000):  # in a strip's file, in a raster
        result = subprocess.run(
            command(checkpoint, scene_path, out, *options, most=most), capture_output=True, text=True, check=False
        )
        assert result.returncode == 2, result
        assert "\nerror: " in f"\n{result.stderr}" and "Traceback" not in result.stderr
        assert not out.exists() and not (tmp_path / "p.tif").exists()
    subprocess.run(command(checkpoint, scene_path, out, *options), check=True, capture_output=True)
    with rasterio.open(tmp_path / "p.tif") as raster:
        assert raster.read().any()
    assert {path.name for path in tmp_path.iterdir()} == {"map.tif", "map.tif.aux.xml", "map.qml", "p.tif", "p.qml"}


COPY = """
import resource, sys
from pathlib import Path
from manet.raster.cog import write_cog
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
write_cog(Path(sys.argv[2]), Path(sys.argv[3]), "mode")
"""


@NO_LIMITS
def test_a_full_disk_while_a_file_is_copied(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (1, 700, 700), dtype=np.uint8)
    source = write_scene(tmp_path / "whole.tif", image)
    size = source.stat().st_size
    for most in (1_000, size // 2, size - 1_000, size + 10_000):  # the last within the overviews
        command = [sys.executable, "-c", COPY, str(most), str(source), str(tmp_path / "cog.tif")]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "manet.errors.OutputError" in result.stderr, (most, result)
        assert [path.name for path in tmp_path.iterdir()] == ["whole.tif"]


COUNT = int(os.environ.get("MANET_MOMENTS", "6"))
MOMENTS = tuple(round(5 + 90 * k / (COUNT - 1)) for k in range(COUNT))
"""Percent of a prediction's windows. MANET_MOMENTS=20 tries more of them."""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("context", ["window", "scene"])
def test_killed_at_any_moment(context: str, checkpoint: Path, tmp_path: Path) -> None:
    image = np.random.default_rng(1).integers(1, 255, (3, 1500, 700), dtype=np.uint8)
    scene = write_scene(tmp_path / "scene.tif", image)
    cut = ("--overlap", "48") if context == "window" else ("--context", "scene", "--halo", "32", "--memory", "500MB")

    def start(folder: str) -> subprocess.Popen[str]:
        out = tmp_path / folder / "map.tif"
        options = ("--window", "160", *cut, "--uncertainty", str(out.with_name("doubt.tif")), "--json")
        line = command(checkpoint, scene, out, *options)
        return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def progress(process: subprocess.Popen[str]) -> Iterator[tuple[int, int]]:
        """Windows done, of how many."""
        assert process.stdout is not None
        for event in map(json.loads, process.stdout):
            if event["event"] == "progress":
                yield event["windows"], event["of"]

    def finish(process: subprocess.Popen[str]) -> int:
        """The windows that were done before."""
        with process:
            done = [windows for windows, _ in progress(process)]
        assert process.returncode == 0
        return done[0]

    finish(start("whole"))
    whole = contents(tmp_path / "whole")
    found = {}
    for moment in MOMENTS:
        with start(f"{moment}") as process:
            killed_at = next(windows for windows, total in progress(process) if windows >= total * moment / 100)
            time.sleep(0.001 * moment)  # within a window
            process.kill()
        assert process.returncode == -signal.SIGKILL
        done = finish(start(f"{moment}"))
        found[f"{moment} %"] = (killed_at, done, contents(tmp_path / f"{moment}") == whole)
        shutil.rmtree(tmp_path / f"{moment}")
    print("\nkilled at: (windows done, of which kept, same bytes)", found)
    assert all(same for _, _, same in found.values()), found
    assert all(killed - done <= 24 for killed, done, _ in found.values()), found  # at most three rows of windows
