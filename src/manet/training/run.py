"""A training run: a folder with the recipe, the log, the state to resume from and the best checkpoint."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import lightning
from lightning.pytorch.callbacks import Callback

from manet.datasets.manifest import Manifest, Split, read_manifest
from manet.errors import DatasetError, OutputError, TrainingError
from manet.export.write import export
from manet.files import refuse_existing, remove_leftovers
from manet.find_model import BEST
from manet.model import Model, load
from manet.networks.checkpoint import write_checkpoint
from manet.prediction.halo import halo_of_dataset
from manet.progress import QUIET, Progress
from manet.recipe import Recipe, read_recipe
from manet.run_folder import LOG, RECIPE, read_kept_recipe
from manet.runtime.export_card import beside, is_export_of
from manet.training.batches import Batches
from manet.training.log import Log, tensorboard_logger
from manet.training.module import assemble
from manet.training.state import KeepBest, KeepRecipe, KeepState, read_state
from manet.training.trainer import make_trainer, quiet

STATE = "last.ckpt"


def train(
    data: str | Path,
    recipe: str | Recipe,
    out: str | Path,
    *,
    resume: bool = False,
    start: Path | None = None,
    choose_on: Split = "validation",
    missing_classes: bool = False,
    workers: int = 0,
    device: str = "auto",
    save_every_s: float = 60.0,
    graphs: bool = True,
    tensorboard: bool = False,
    callbacks: Sequence[Callback] = (),
    progress: Progress = QUIET,
) -> Model:
    """Train a network on a prepared dataset and keep the epoch with the best mean IoU.

    When training ends, the halo that scene context needs is measured and written into the checkpoint's card, and the
    network is exported beside it, so that the run's folder predicts without PyTorch as well.

    Args:
        data: Folder of a prepared dataset.
        recipe: A recipe, the name of one that comes with manet, or the path of a TOML file.
        out: Folder of the run; made if it does not exist.
        resume: Continue the run in `out` from the state that was last written: after an epoch, and every `save_every_s`
            seconds. On a CPU the weights end up the same, bit for bit, as those of a run that was never interrupted.
        start: Checkpoint whose weights are transferred as far as they fit (see `transfer_weights`).
        choose_on: Split on which the best epoch is chosen; not the test split.
        missing_classes: Train although classes of the legend have no pixel in the train split; their names stay in the
            legend, and the network never learns them.
        workers: Processes that read patches; 0 reads them in this process.
        device: auto, cpu, cuda or mps.
        save_every_s: Seconds between the states that are written within an epoch.
        graphs: Export the network of the best epoch when training ends.
        tensorboard: Log to `out`/tensorboard as well.
        callbacks: Callbacks of Lightning that watch the training.
        progress: Is told what was transferred.

    Returns:
        The model of the best epoch.

    Raises:
        TrainingError: The epoch would be chosen on the test split, there is nothing to resume, the recipe or the
            dataset is not the run's, its files are damaged, or the loss is not finite.
        OutputError: `out` holds a run that is not to be resumed, or cannot be written.
        DatasetError: A split has no patch, or the train split has no pixel of a class.
        RecipeError: The recipe does not exist or is not valid.

    Example:
        >>> model = manet.train("data/banepa", "banepa/strong", "runs/banepa")
    """
    data, out = Path(data), Path(out)
    recipe = read_recipe(recipe) if isinstance(recipe, str) else recipe
    if choose_on == "test":
        raise TrainingError(
            "the best epoch may not be chosen on the test split: its scores would mean nothing; choose on validation",
            option="choose_on",
        )
    _check(out, recipe, resume)
    manifest = read_manifest(data)
    dataset = hashlib.sha256(manifest.model_dump_json().encode()).hexdigest()
    if resume:
        kept = read_state(out / STATE)
        if kept.dataset not in ("", dataset):
            raise TrainingError(
                f"{out} was started on another dataset than {data} is now: resume it with that one, or start a new run"
            )
        if kept.finished:
            progress.note(f"{out} is finished: there is nothing to resume")
            return _best(data, out, choose_on, device, graphs, progress)
    if not missing_classes:
        _check_classes(manifest)
    lightning.seed_everything(recipe.training.seed, verbose=False)
    batches = Batches(data, manifest, recipe, choose_on, workers)
    module = assemble(manifest, recipe, batches.steps, None if resume else start, progress, pretrained=not resume)
    logger = tensorboard_logger(out) if tensorboard else False
    remove_leftovers(out)
    # the state comes after the callbacks whose own states it holds; a folder with a recipe has a state
    state = [KeepState(out / STATE, save_every_s, dataset), KeepRecipe(out / RECIPE, recipe)]
    callbacks = [KeepBest(out / BEST, manifest), Log(out / LOG), *callbacks, *state]
    with quiet():
        trainer = make_trainer(recipe, device, callbacks, logger)
        try:
            trainer.fit(module, batches, ckpt_path=out / STATE if resume else None, weights_only=True)
        except SystemExit as stop:
            if isinstance(stop.__context__, KeyboardInterrupt):  # which Lightning turns into exit status 1
                raise KeyboardInterrupt from None
            raise
    return _best(data, out, choose_on, device, graphs, progress)


def _best(data: Path, out: Path, choose_on: Split, device: str, graphs: bool, progress: Progress) -> Model:
    """The best epoch's model. Its card gets the halo of scene context if it has none yet; its graphs lie beside it."""
    best = out / BEST
    model = load(best, runtime="torch", device=device)
    if model.card.halo is None:
        card = model.card.model_copy(update={"halo": halo_of_dataset(model.runtime, data, choose_on)})
        if card != model.card:
            write_checkpoint(best, model.network, card, overwrite=True)
            model = load(best, runtime="torch", device=device)
    if graphs and not is_export_of(beside(best), best):
        export(best, beside(best), overwrite=True, progress=progress)
    return model


def _check_classes(manifest: Manifest) -> None:
    """Check that every class can be learnt. Datasets that were prepared without counts are not checked."""
    pixels = manifest.pixels.get("train", ())
    if missing := [name for name, count in zip(manifest.legend.names, pixels, strict=False) if not count]:
        raise DatasetError(
            f"no pixel of the train split of '{manifest.dataset}' has the class {', '.join(missing)}: check what the "
            "values of the labels were taken for, and the legend; or train without these classes",
            option="missing_classes",
        )


def _check(out: Path, recipe: Recipe, resume: bool) -> None:
    """Check that a run would not overwrite another, can be written, and has something to resume if it is to resume."""
    if not resume:
        if (out / RECIPE).exists():
            raise OutputError(f"{out} already holds a run; resume it, or give another folder", option="resume")
        if (out / BEST).exists():
            raise OutputError(f"{out / BEST} is there and is of no run in that folder; give another folder")
        refuse_existing(out / RECIPE, overwrite=False)
        return
    if not (out / STATE).is_file() or not (out / RECIPE).is_file():
        raise TrainingError(f"{out} has no {STATE} to resume from; start the run first")
    if differences := read_kept_recipe(out).differences(recipe):
        raise TrainingError(
            f"{out} was started with another recipe: {', '.join(differences)}; resume with that one, or start a new run"
        )
