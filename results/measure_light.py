"""What the light installation takes and gives: `python results/measure_light.py OUT.json`, on a quiet machine.

An empty environment is made and `pip install .` is timed; shell to map is the median of ten.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SIDE = 512
RUNS = 10


def size_of(folder: Path) -> float:
    """Megabytes of the files in a folder, links not followed."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 1e6


def run(*command: object, env: dict[str, str] | None = None) -> float:
    """Seconds that a command takes; it has to succeed."""
    begin = time.perf_counter()
    subprocess.run([str(part) for part in command], check=True, capture_output=True, env=env)
    return time.perf_counter() - begin


def install(folder: Path) -> dict[str, object]:
    """Time and size of an installation into an empty environment."""
    run(sys.executable, "-m", "venv", folder)
    empty = size_of(folder)
    seconds = run(folder / "bin/pip", "install", ROOT, "--constraint", ROOT / "constraints.txt")
    packages = next((folder / "lib").glob("python*/site-packages"))
    sizes = {path.name: size_of(path) for path in packages.iterdir() if path.is_dir()}
    largest = dict(sorted(sizes.items(), key=lambda item: -item[1])[:12])
    return {"seconds": seconds, "megabytes": size_of(folder) - empty, "largest": largest}


def shell_to_map(manet: Path, scene: Path, folder: Path) -> dict[str, object]:
    """Seconds from the shell to a map of 512 x 512 pixels: first with an empty cache, then warm."""
    cache = folder / "cache"
    environment = os.environ | {"MANET_CACHE": str(cache)}

    def once() -> float:
        command = (manet, "predict", "--model", "banepa", scene, "--out", folder / "m.tif", "--overwrite")
        return run(*command, env=environment)

    cold = []
    for _ in range(3):
        shutil.rmtree(cache, ignore_errors=True)
        cold.append(once())
    return {"cold": statistics.median(cold), "warm": statistics.median([once() for _ in range(RUNS)])}


def main(out: Path, data: Path) -> None:
    """Measure, and write what was found."""
    import rasterio
    from rasterio.windows import Window

    scene = next((data / "images").glob("*.tif"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with rasterio.open(scene) as raster:
            image, profile = raster.read(window=Window(600, 600, SIDE, SIDE)), dict(raster.profile)  # type: ignore[call-arg]
        profile.update(height=SIDE, width=SIDE, tiled=False)
        for name in ("blockxsize", "blockysize"):
            profile.pop(name, None)
        with rasterio.open(folder / "small.tif", "w", **profile) as small:
            small.write(image)
        found: dict[str, dict[str, object]] = {"install": install(folder / "venv")}
        found["shell_to_map_512"] = shell_to_map(folder / "venv/bin/manet", folder / "small.tif", folder)
        found["machine"] = {"processors": os.cpu_count(), "python": sys.version.split()[0]}
    out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
