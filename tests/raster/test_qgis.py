"""Maps and polygons in real QGIS, headless, of the system's Python (python3-qgis); skipped without it."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.transform import Affine

from manet.legend import BUILDINGS
from manet.raster.polygons import write_polygons
from manet.raster.styles import as_hex, probability_style, uncertainty_style
from manet.raster.windows import Window
from manet.raster.writer import write_classes, write_shares

PYTHON = "/usr/bin/python3"
SCRIPT = Path(__file__).with_name("qgis_layers.py")
ENDINGS = ("gpkg", "geojson", "shp", "fgb")


def has_qgis() -> bool:
    command = [PYTHON, "-c", "import qgis.core"]
    return Path(PYTHON).exists() and not subprocess.run(command, capture_output=True, check=False).returncode


@pytest.mark.slow
def test_qgis_shows_the_classes_in_their_colours(tmp_path: Path) -> None:
    if not has_qgis():
        pytest.skip("needs QGIS for the system's Python (apt-get install python3-qgis)")
    place = {"height": 100, "width": 100, "crs": CRS.from_epsg(32645), "transform": Affine(1, 0, 4e5, 0, -1, 3e6)}
    classes = np.zeros((100, 100), np.uint8)
    classes[20:80, 30:70] = 1
    shares = np.stack([254 - 254 * classes, 254 * classes])
    window = Window(0, 0, 100, 100)
    with write_classes(tmp_path / "map.tif", legend=BUILDINGS, **place) as raster:
        raster.write(classes, window)
    for name, style in (("p.tif", probability_style(BUILDINGS)), ("u.tif", uncertainty_style())):
        with write_shares(tmp_path / name, band_names=BUILDINGS.names, style=style, **place) as raster:
            raster.write(shares, window)
    for ending in ENDINGS:
        write_polygons(tmp_path / "map.tif", tmp_path / f"x{ending}.{ending}")
    files = [tmp_path / "map.tif", tmp_path / "p.tif", tmp_path / "u.tif", *(tmp_path / f"x{e}.{e}" for e in ENDINGS)]
    result = subprocess.run([PYTHON, SCRIPT, *files], capture_output=True, text=True, check=True, timeout=60)
    assert "Non-conformant" not in result.stderr
    found = {Path(path).name: layer for path, layer in json.loads(result.stdout).items()}
    background, building = map(as_hex, BUILDINGS.colours)
    assert found["map.tif"]["legend"] == [["background", background], ["building", building]]
    colours = found["map.tif"]["colours"]
    assert set(colours) == {background, building}
    assert colours[building] / sum(colours.values()) == pytest.approx(0.24, abs=0.01)
    assert [label for label, _ in found["p.tif"]["legend"]][0::3] == [
        f"probability of building: {s} %" for s in (0, 100)
    ]
    assert set(found["p.tif"]["colours"]) == {"#ffffe5", "#662506"}  # 0 and 100 % of the buildings
    assert set(found["u.tif"]["colours"]) == {"#f7fcfd", "#4d004b"}
    for ending in ENDINGS:
        layer = found[f"x{ending}.{ending}"]
        assert layer["type"] == "categorizedSymbol" and layer["legend"] == [["building", building]]
        drawn = sum(layer["colours"].values()) - layer["colours"].get("#ffffff", 0)
        assert layer["colours"][building] > 0.9 * drawn > 0  # the rest is the outline
