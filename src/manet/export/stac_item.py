"""The STAC item of an exported network: `item.json` beside its graphs."""

from importlib.metadata import version
from pathlib import Path

from manet.find_model import BEST
from manet.runtime.export_card import DECODE, ENCODE, SUMMARISE, WEIGHTS, WHOLE, ExportCard, beside
from manet.stac.item import Json, write_item
from manet.stac.model_item import checkpoint_asset, model_item, onnx_asset, weights_asset

ITEM = "item.json"

TITLES = {
    WHOLE: "the network, for images whose pixels are all valid",
    ENCODE: "part of the network: from images to features",
    SUMMARISE: "part of the network: from features to what attention knows of the whole map",
    DECODE: "part of the network: from features and summaries to logits",
}


def write_export_item(folder: Path, out: Path, card: ExportCard, checkpoint: Path, parameters: int) -> None:
    """Write the item.

    Args:
        folder: Where the graphs are now.
        out: Where they will be.
        card: Theirs.
        checkpoint: What was exported; an asset if the graphs will be beside it.
        parameters: How many weights the network has.
    """
    assets: dict[str, Json] = {}
    for part, title in TITLES.items():
        if (folder / f"{part}.onnx").is_file():
            assets[part] = onnx_asset(f"./{part}.onnx", title, whole=part == WHOLE)
    if (folder / WEIGHTS).exists():
        assets["weights"] = weights_asset(f"./{WEIGHTS}")
    if out.resolve() in (beside(checkpoint).resolve(), beside(checkpoint, card.precision).resolve()):
        assets["checkpoint"] = checkpoint_asset(f"../{checkpoint.name}")
    name = out.resolve().parent.name if checkpoint.name == BEST else out.name.partition(".")[0]
    item = model_item(
        card.network, name, assets, framework="ONNX", framework_version=version("onnx"), parameters=parameters
    )
    write_item(item, folder / ITEM)
