"""Graphs against PyTorch on a real scene: `python results/measure_graphs.py OUT.json DATA [parity] [speed] [overlap]`.

parity: probabilities of float32 and half-precision graphs by either runtime against PyTorch's; scene context twice.
speed: seconds and peak memory from file to file, one thread, a process each, in turns; beside them a bare loop of ONNX
Runtime over the same windows, without overlap, blending or nodata. overlap: what overlapping windows cost and give.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

MODEL, WINDOW, ROUNDS = "banepa", 512, 3
OVERLAPS = 0, 16, 32, 64, 128

BARE = """
import sys, numpy as np, onnxruntime, rasterio
from rasterio.windows import Window
graph, scene, out = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
with rasterio.open(scene) as source:
    profile = {"driver": "GTiff", "height": source.height, "width": source.width, "count": 1, "dtype": "uint8"}
    profile |= {"crs": source.crs, "transform": source.transform, "compress": "deflate"}
    with rasterio.open(out, "w", **profile) as target:
        for row in range(0, source.height, 512):
            for col in range(0, source.width, 512):
                window = Window(col, row, min(512, source.width - col), min(512, source.height - row))
                images = source.read(window=window)[None].astype(np.float32)
                target.write(session.run(None, {"images": images})[0].argmax(1).astype(np.uint8)[0], 1, window=window)
"""

PEAK = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


def parity(scene: Path, folder: Path) -> dict[str, object]:
    """Largest difference of a probability and share of equal classes, against PyTorch."""
    import manet
    from manet.export.write import export
    from manet.prediction.scene_context import SceneContext
    from manet.raster.scene import Scene
    from manet.released import released_model
    from manet.runtime.choose import Kind
    from manet.runtime.graphs import load_graphs
    from manet.runtime.protocol import Runtime

    export(released_model(MODEL), folder / "full")
    half = released_model(MODEL).with_suffix(".onnx")
    torch = manet.load(MODEL, runtime="torch", device="cpu")
    expected, found = torch.predict(scene), dict[str, object]()
    kinds: tuple[Kind, ...] = ("openvino", "onnxruntime")
    runtimes = {
        f"{kind}, {name}": load_graphs(path, kind)
        for kind in kinds
        for name, path in (("float32", folder / "full"), ("half", half))
    }
    for name, runtime in runtimes.items():
        other = manet.Model(runtime, torch.card).predict(scene)
        found[name] = {
            "probability": float(np.abs(other.probabilities - expected.probabilities).max()),
            "equal_classes": float((other.classes == expected.classes).mean()),
        }
    exact: dict[str, Runtime] = {"torch": torch.runtime, **{n: r for n, r in runtimes.items() if "float32" in n}}
    for name, runtime in exact.items():
        maps = []
        for window, halo in ((768, 192), (1024, 320)):
            with Scene(scene) as opened:
                region = opened.window.middle(2048, 1536)
                whole = np.zeros((2, region.height, region.width), np.float32)
                for part in SceneContext(runtime, 2, window, halo).strips(opened, region):
                    whole[:, *part.window.within(region).slices] = part.probabilities
            maps.append(whole)
        found[f"scene context in windows of 768 and 1024, {name}"] = float(np.abs(maps[0] - maps[1]).max())
    return found


def speed(scene: Path, folder: Path) -> dict[str, object]:
    """Medians of seconds and of peak megabytes, a process each, in turns."""
    from manet.export.write import export
    from manet.released import released_model

    full = folder / "speed"
    export(released_model(MODEL), full)
    manet = [sys.executable, "-m", "manet", "predict", "--overwrite", "--restart", "--device", "cpu", "--native"]
    out = ["--out", str(folder / "map.tif")]
    bare = [sys.executable, "-c", BARE, str(full / "whole.onnx"), str(scene), str(folder / "bare.tif")]
    commands = {"bare loop of ONNX Runtime": bare}
    for backend in ("onnxruntime", "openvino", "torch"):
        model = MODEL if backend == "torch" else str(full)
        for overlap in (0, 64) if backend == "openvino" else (0,):
            command = [*manet, "--model", model, str(scene), *out, "--backend", backend, "--overlap", str(overlap)]
            commands[f"{backend}, overlap {overlap}"] = command
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    seconds, peaks = ({name: list[float]() for name in commands} for _ in range(2))
    for _ in range(ROUNDS):
        for name, command in commands.items():
            begin = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", PEAK, *command], env=environment, check=True, capture_output=True, text=True
            )
            seconds[name].append(time.perf_counter() - begin)
            peaks[name].append(int(done.stdout) / 1024)
    return {
        name: {"seconds": statistics.median(seconds[name]), "peak_mb": statistics.median(peaks[name])}
        for name in commands
    }


def overlap(scene: Path, data: Path) -> dict[str, object]:
    """Of each overlap: computing relative to none, classes that change with windows moved by half of one, IoU."""
    import manet
    from manet.prediction.window_context import WindowContext
    from manet.raster.scene import Scene
    from manet.raster.windows import Window, grid

    model, found = manet.load(MODEL), dict[str, object]()
    for pixels in OVERLAPS:
        settings = manet.PredictionSettings(window=WINDOW, overlap=pixels)
        predictor = WindowContext(model.runtime, 2, WINDOW, pixels)
        with Scene(scene) as opened:
            whole, half = opened.window, WINDOW // 2
            moved = Window(half, half, whole.height - WINDOW, whole.width - WINDOW)
            first = predictor.whole(opened, whole)[moved.slices]
            second = predictor.whole(opened, moved)
            area = sum(w.height * w.width for w in grid(whole, WINDOW, WINDOW - pixels)) / (whole.height * whole.width)
        scores = manet.evaluate(model, data, "test", settings).scores
        found[str(pixels)] = {
            "computed": area,
            "changed_when_moved": float((first != second).mean()),
            "building_iou": scores.classes["building"].iou,
        }
    return found


def main(out: Path, data: Path, parts: list[str]) -> None:
    """Measure the parts that are asked for, and write them beside those that are there."""
    scene = next((data / "images").glob("*.tif"))
    found = json.loads(out.read_text()) if out.exists() else {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        ways = {
            "parity": lambda: parity(scene, folder),
            "speed": lambda: speed(scene, folder),
            "overlap": lambda: overlap(scene, data),
        }
        for part in parts or list(ways):
            found[part] = ways[part]()
            out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
