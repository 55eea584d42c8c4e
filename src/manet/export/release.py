"""A trained network as others get it: weights and graphs in half precision, scored, with its model card."""

from pathlib import Path

from manet.datasets.manifest import read_manifest
from manet.evaluation.evaluate import evaluate
from manet.evaluation.model_card import model_card
from manet.evaluation.scoring import Evaluation, check_legend
from manet.export.write import export
from manet.files import refuse_existing, refuse_inputs, replacing
from manet.model import Model, load
from manet.networks.checkpoint import write_checkpoint
from manet.prediction.halo import halo_of_dataset
from manet.prediction.settings import PredictionSettings
from manet.progress import QUIET, Progress
from manet.runtime.export_card import beside


def release(
    model: Model,
    data: str | Path,
    out: str | Path,
    settings: PredictionSettings = PredictionSettings(),  # noqa: B008 (frozen)
    *,
    overwrite: bool = False,
    progress: Progress = QUIET,
) -> Evaluation:
    """Write a model in half precision, its scores on the test split in a model card, and its graphs.

    Args:
        model: Of a checkpoint.
        data: Folder of the prepared dataset.
        out: Checkpoint to write, NAME.safetensors; its card is NAME.md, its graphs are in NAME.onnx.
        settings: How the maps that are scored are predicted.
        overwrite: Replace files that are there.
        progress: Is told of every window.

    Returns:
        The scores of the file that was written.

    Raises:
        NetworkError: The model is of exported graphs.
        DatasetError: The dataset has other classes than the model, or no test split.
        OutputError: A file exists and is not to be replaced, or cannot be written.
    """
    folder, out = Path(data), Path(out)
    text = out.with_suffix(".md")
    for path in (out, text, beside(out)):
        refuse_existing(path, overwrite)
    refuse_inputs([out], [model.path] if model.path else [])
    manifest, network, card = read_manifest(folder), model.network, model.card
    check_legend(card.legend, manifest)
    if card.halo is None:
        card = card.model_copy(update={"halo": halo_of_dataset(model.runtime, folder, "validation")})
    with replacing(out, overwrite) as partial:
        write_checkpoint(partial, network, card, overwrite=True, half=True)
        released = load(partial, runtime="torch", device=model.runtime.device_name)
        evaluation = evaluate(released, folder, "test", settings, progress=progress)
        page = model_card(out.stem, card, evaluation, manifest, partial.stat().st_size / 1e6)
        with replacing(text, overwrite) as partial_page:
            partial_page.write_text(page, encoding="utf-8")
    export(out, beside(out), half=True, overwrite=overwrite, progress=progress)
    return evaluation
