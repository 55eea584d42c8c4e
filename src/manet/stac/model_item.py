"""A model as a STAC item, by the Machine Learning Model extension."""

import re
from collections.abc import Mapping

from manet.card import Card
from manet.stac.item import Json, classes, item, now

MLM = "https://stac-extensions.github.io/mlm/v1.5.0/schema.json"
MODEL, WEIGHTS = "mlm:model", "mlm:weights"
"""Roles of assets."""

Shape = tuple[int, int]


def model_item(
    card: Card,
    name: str,
    assets: Mapping[str, Json],
    *,
    framework: str,
    framework_version: str,
    parameters: int | None = None,
    only_size: Shape | None = None,
) -> Json:
    """The STAC item of a model.

    Args:
        card: What the network was trained on.
        name: Of the model.
        assets: Its files; at least one has the role `mlm:model`.
        framework: What loads it: PyTorch or ONNX.
        framework_version: Of that, such as 2.11.0.
        parameters: How many weights it has; None to leave it out.
        only_size: The only height and width of images that it takes, pixels; None where it takes any.
    """
    settings, (height, width) = card.recipe.network, only_size or (-1, -1)
    bands = [
        {"name": band, "data_type": card.dtype, "statistics": {"mean": mean, "stddev": std}}
        for band, mean, std in zip(card.bands, card.band_mean, card.band_std, strict=True)
    ]
    properties: Json = {
        "title": name,
        "description": _description(card),
        "license": "other",
        **({"gsd": card.gsd_m} if card.gsd_m else {}),
        "bands": bands,  # which STAC allows beside those of assets, and the extension asks for
        "mlm:name": _model_name(name),
        "mlm:architecture": settings.name,
        "mlm:tasks": ["semantic-segmentation"],
        "mlm:framework": framework,
        "mlm:framework_version": framework_version,
        **({} if parameters is None else {"mlm:total_parameters": parameters}),
        "mlm:pretrained": settings.weights is not None,
        "mlm:pretrained_source": settings.weights,
        "mlm:input": [
            {
                "name": "image",
                "description": "The imagery in its own values: the network standardises it by itself.",
                "bands": list(card.bands),
                "input": {
                    "shape": [-1, len(card.bands), height, width],
                    "dim_order": ["batch", "bands", "height", "width"],
                    "data_type": "float32",
                },
                "pre_processing_function": None,
            }
        ],
        "mlm:output": [
            {
                "name": "logits",
                "description": "One number per class and pixel; the largest is the class, softmax gives probabilities.",
                "tasks": ["semantic-segmentation"],
                "result": {
                    "shape": [-1, len(card.legend), height, width],
                    "dim_order": ["batch", "class", "height", "width"],
                    "data_type": "float32",
                },
                "classification:classes": classes(card.legend),
                "post_processing_function": None,
            }
        ],
        "mlm:hyperparameters": card.recipe.model_dump(mode="json"),
    }
    described = {key: {**asset, "bands": bands} if MODEL in asset["roles"] else asset for key, asset in assets.items()}
    return item(name, [MLM], properties, described, None, now())


def onnx_asset(href: str, title: str, whole: bool = True) -> Json:
    """A graph as an asset; one that is not the whole network is no model by itself."""
    asset: Json = {"href": href, "type": "application/onnx", "title": title}
    return asset | ({"roles": [MODEL], "mlm:artifact_type": "onnx"} if whole else {"roles": ["data"]})


def weights_asset(href: str) -> Json:
    """The weights of graphs as an asset."""
    return {"href": href, "type": "application/octet-stream", "title": "weights of the graphs", "roles": [WEIGHTS]}


def checkpoint_asset(href: str) -> Json:
    """A checkpoint as an asset."""
    return {
        "href": href,
        "type": "application/octet-stream",
        "title": "checkpoint: weights, and the card with recipe and legend",
        "roles": [MODEL, WEIGHTS],
        "mlm:artifact_type": "safetensors.torch.save_file",
    }


def _description(card: Card) -> str:
    ground = f" at {card.gsd_m:.2g} m a pixel" if card.gsd_m else ""
    maps = f"Maps {', '.join(card.legend.names)} from {', '.join(card.bands)} ({card.dtype}){ground}."
    trained = f"{card.recipe.network.name} with the encoder {card.recipe.network.encoder}, trained on {card.dataset}."
    return " ".join(part for part in (maps, trained, card.attribution) if part)


def _model_name(name: str) -> str:
    """A name as the extension asks for: three characters or more, the first a letter, the last a letter or digit."""
    text = re.sub(r"[^0-9A-Za-z_.\s-]+", "-", name).strip("-_. ")
    return text if re.fullmatch(r"[A-Za-z].+[0-9A-Za-z]", text) else f"model-{text or 0}"
