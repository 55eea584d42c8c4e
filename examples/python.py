"""manet from Python: a map of an array, a map of a scene, a network of one's own, each in one call.

    python examples/python.py FOLDER

Everything is written to FOLDER. It takes some minutes on two cores; no network connection is needed.
"""

import sys
from pathlib import Path

import numpy as np
import rasterio

import manet


def main(folder: Path, side: int = 3000) -> None:
    # a prepared dataset: here a generated town
    data = folder / "town"
    manet.prepare("town", data)
    scene = data / "images/town.tif"

    # a released model, and the map of an array: (bands, height, width) or (height, width, bands)
    model = manet.load("town")
    print(model)
    with rasterio.open(scene) as dataset:
        image = dataset.read()[:, :512, :640]
    prediction = model.predict(image)
    print(prediction)
    prediction.save(folder / "array.tif")

    # the map of a scene of any size, with the context of the whole scene; polygons and surfaces beside it
    large = enlarge(scene, folder / "large.tif", side)
    outputs = manet.Outputs(folder / "map.tif", polygons=folder / "map.gpkg", surfaces=folder / "map.csv")
    manet.predict_scene(model, large, outputs, manet.PredictionSettings(context="scene"))

    # a network of one's own: trained, scored, saved and loaded
    recipe = manet.Recipe.model_validate(
        {
            "network": {"encoder": "regnetx_002"},
            "patches": {"size": 128, "batch": 4},
            "optimiser": {"rate": 2e-3, "gate_rate": 10},
            "training": {"epochs": 1},
        }
    )
    trained = manet.train(data, recipe, folder / "run")
    evaluation = manet.evaluate(trained, data, split="test")
    print(f"overall accuracy {evaluation.scores.overall_accuracy:.3f}, mean IoU {evaluation.scores.mean_iou:.3f}")
    manet.save(trained, folder / "mine.safetensors")
    again = manet.load(folder / "mine.safetensors")
    np.testing.assert_array_equal(again.predict(image).classes, trained.predict(image).classes)


def enlarge(scene: Path, out: Path, side: int) -> Path:
    """A scene of side x side pixels, mirrored together from a smaller one."""
    with rasterio.open(scene) as dataset:
        image, profile, names = dataset.read(), dataset.profile, dataset.descriptions
    rows, columns = (max(side - length, 0) for length in image.shape[1:])
    image = np.pad(image, ((0, 0), (0, rows), (0, columns)), mode="symmetric")[:, :side, :side]
    with rasterio.open(out, "w", **profile | {"height": side, "width": side}) as dataset:
        dataset.write(image)
        dataset.descriptions = names
    return out


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "python-example"))
