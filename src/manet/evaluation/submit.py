"""Predictions of a test split whose labels the publisher keeps, as the archive that his benchmark takes."""

from pathlib import Path

from manet.datasets.manifest import read_manifest
from manet.datasets.submission import form_of, submission
from manet.evaluation.scoring import areas_of, check_legend
from manet.evaluation.split_predictor import adapt_split
from manet.files import refuse_existing
from manet.model import Model
from manet.prediction.build_predictor import build_predictor
from manet.prediction.settings import PredictionSettings
from manet.progress import QUIET, Progress


def submit(
    model: Model,
    data: str | Path,
    out: str | Path,
    settings: PredictionSettings = PredictionSettings(),  # noqa: B008 (frozen)
    *,
    overwrite: bool = False,
    progress: Progress = QUIET,
) -> int:
    """Predict the test split of LoveDA or UAVid.

    Args:
        model: Of `manet.load`.
        data: Folder of the prepared dataset.
        out: Archive to write, a zip file.
        settings: How to predict.
        overwrite: Replace an archive that is there.
        progress: Is told of every scene.

    Returns:
        How many scenes were predicted.

    Raises:
        DatasetError: The dataset has no such benchmark, or other classes than the model.
        SceneError: A scene lacks bands that the model takes.
        OutputError: `out` exists and is not to be replaced, or cannot be written.
    """
    folder, out = Path(data), Path(out)
    refuse_existing(out, overwrite)
    manifest = read_manifest(folder)
    form, areas = form_of(manifest.dataset), areas_of(manifest, "test")
    check_legend(model.legend, manifest)
    adapted = adapt_split(model.card, folder, manifest, "test", settings, progress)
    progress.count("predicting scenes", 0, len(areas))
    with submission(out, form, manifest.legend, overwrite) as add:
        for number, area in enumerate(areas, 1):
            entry = manifest.scene(area.scene)
            taken = adapted.scenes[str(folder / entry.image)]
            with taken.own as own, taken.seen as seen:
                predictor = taken.on_own_grid(build_predictor(model.runtime, model.card, settings, seen))
                add(entry.name, predictor.whole(own, own.window))
            progress.count("predicting scenes", number, len(areas))
    return len(areas)
