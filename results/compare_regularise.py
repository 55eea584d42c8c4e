"""Right-angled outlines by manet and by buildingregulariser (PyPI, MIT) on the same polygons, side by side.

buildingregulariser brings geopandas, so it runs in an environment of its own, to which this script belongs:

    manet predict data/banepa/images/banepa.tif --model banepa --out map.tif
    manet polygons map.tif --out simple.gpkg
    time manet polygons map.tif --out regular.gpkg --regularise building
    pip install buildingregulariser==0.2.5      # in another environment
    python results/compare_regularise.py simple.gpkg regular.gpkg results/regularise/banepa.json
"""

# pyright: reportMissingImports=false
import json
import sys
import time
from pathlib import Path
from typing import Any

import buildingregulariser
import geopandas
import numpy as np
import shapely

METRES = "EPSG:32645"


def measured(before: np.ndarray, after: np.ndarray) -> dict[str, Any]:
    """What was done to polygons, metres; both (polygons,)."""
    common = shapely.area(shapely.intersection(before, after))
    iou = common / (shapely.area(before) + shapely.area(after) - common)
    moved = shapely.hausdorff_distance(before, after)
    one, other = shapely.STRtree(after).query(after, predicate="intersects")
    overlaps = shapely.area(shapely.intersection(after[one], after[other]))[one < other]
    return {
        "polygons": len(after),
        "changed": int((shapely.symmetric_difference(before, after) != shapely.Polygon()).sum()),
        "vertices": int(shapely.get_num_coordinates(after).sum()),
        "mean_iou": round(float(iou.mean()), 4),
        "least_iou": round(float(iou.min()), 4),
        "median_moved_m": round(float(np.median(moved)), 3),
        "largest_moved_m": round(float(moved.max()), 3),
        "overlapping_pairs": int((overlaps > 1e-6).sum()),
        "overlap_m2": round(float(overlaps.sum()), 2),
        "right_angled_length": round(right_angled(after), 3),
        "invalid": int((~shapely.is_valid(after)).sum()),
    }


def matched(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Polygons and what became of each: a result belongs to the polygon that it covers most of."""
    one, other = shapely.STRtree(before).query(after, predicate="intersects")
    common = shapely.area(shapely.intersection(after[one], before[other]))
    parts: dict[int, list[Any]] = {}
    for index in range(len(after)):
        pairs = one == index
        if pairs.any():
            parts.setdefault(int(other[pairs][common[pairs].argmax()]), []).append(after[index])
    return before[list(parts)], np.array([shapely.union_all(shapely.make_valid(p)) for p in parts.values()], object)


def right_angled(shapes: np.ndarray) -> float:
    """The share of the length of all outer rings whose edges follow the longest edge, at 0, 45 or 90 degrees to 1."""
    right = total = 0.0
    for ring in shapely.get_exterior_ring(shapely.get_parts(shapes)):
        steps = np.diff(shapely.get_coordinates(ring), axis=0)
        lengths, angles = np.hypot(*steps.T), np.degrees(np.arctan2(steps[:, 1], steps[:, 0]))
        turned = np.abs((angles - angles[lengths.argmax()] + 22.5) % 45 - 22.5)
        right, total = right + lengths[turned < 1].sum(), total + lengths.sum()
    return float(right / total)


def main(simple: str, regular: str, out: str) -> None:
    before = geopandas.read_file(simple, layer=Path(simple).stem).to_crs(METRES)
    ours = geopandas.read_file(regular, layer=Path(regular).stem).to_crs(METRES)
    shapes = before.geometry.to_numpy()
    found: dict[str, Any] = {
        "input": "polygons of the released model's map of Banepa, 4096 x 3072 pixels of 0.13 m",
        "buildingregulariser_version": buildingregulariser.__version__,
        "before": measured(shapes, shapes),
        "manet, 0.5 m": measured(shapes, ours.geometry.to_numpy()),
    }
    for name, settings in {"default": {}, "0.5 m": {"parallel_threshold": 0.5}}.items():
        begin = time.monotonic()
        theirs = buildingregulariser.regularize_geodataframe(before.copy(), num_cores=1, **settings)
        seconds = time.monotonic() - begin
        old, new = matched(shapes, theirs.geometry.to_numpy())
        found[f"buildingregulariser, {name}"] = measured(old, new) | {"seconds": round(seconds, 1)}
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    Path(out).write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
