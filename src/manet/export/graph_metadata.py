"""What a graph says of itself, in the file."""

import json

from manet.card import Card


def metadata(card: Card, graph: str) -> dict[str, str]:
    """The keys of the QGIS plug-in Deepness and manet's own, each value JSON.

    Deepness divides imagery by 255 and then standardises; the statistics it is told undo the former, since the network
    takes the imagery's own values and standardises them itself.
    """
    values: dict[str, object] = {
        "model_type": "Segmentor",
        "class_names": {str(index): name for index, name in enumerate(card.legend.names)},
        "tiles_size": card.training_size,
        "tiles_overlap": 15,  # percent
        "standardization_mean": [0.0] * len(card.bands),
        "standardization_std": [1 / 255] * len(card.bands),
        "graph": graph,
        "bands": card.bands,
        "band_mean": card.band_mean,
        "band_std": card.band_std,
        "gsd_m": card.gsd_m,
    }
    if card.gsd_m is not None:
        values["resolution"] = 100 * card.gsd_m  # cm a pixel
    return {name: json.dumps(value) for name, value in values.items()}
