"""The training step, as Lightning sees it."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor

from manet.datasets.manifest import Manifest
from manet.datasets.patches import Patch
from manet.errors import TrainingError
from manet.evaluation.metrics import Scores, scores
from manet.legend import IGNORED, Legend
from manet.networks import Network, build
from manet.progress import QUIET, Progress
from manet.recipe import Recipe
from manet.training.losses import balanced_weights, training_loss
from manet.training.optimiser import average_of, make_optimiser, rate_factor
from manet.training.transfer import transfer_weights

MONITORED = "validation/mean_iou"
"""The name of the score by which the best epoch is chosen."""


class Segmentation(LightningModule):
    """A network, its loss, its optimiser over the steps of a run, and its validation scores."""

    class_weights: Tensor | None
    confusion: Tensor
    """(truth, prediction) counts of the validation's pixels, (classes, classes)."""

    def __init__(
        self, network: Network, recipe: Recipe, legend: Legend, steps: int, pixels: Sequence[int] | None = None
    ) -> None:
        """Prepare a network for training.

        Args:
            network: To be trained, in place.
            recipe: Decides about the loss, the optimiser and averaging.
            legend: The network's classes.
            steps: Steps of the whole run.
            pixels: Labelled pixels of each class in the training split, for balanced class weights; None: no weights.
        """
        super().__init__()
        self.network, self.recipe, self.legend, self.steps = network, recipe, legend, steps
        weights = None if pixels is None or recipe.loss.class_weights == "none" else balanced_weights(pixels)
        self.register_buffer("class_weights", weights, persistent=False)
        self.register_buffer("confusion", torch.zeros(len(legend), len(legend), dtype=torch.long), persistent=False)
        self.scores: Scores | None = None
        """Of the last epoch that was validated."""
        self.average = average_of(network, recipe.training.ema) if recipe.training.ema else None

    @property
    def kept(self) -> Network:
        """The network that is validated and kept: that of the averaged weights if the recipe averages them."""
        if self.average is None:
            return self.network
        assert isinstance(self.average.module, Network)
        return self.average.module

    def training_step(self, batch: Patch, batch_index: int) -> Tensor:
        outputs = self.network.training_logits(batch["image"], _valid(batch))
        loss = training_loss(self.network.loss, outputs, batch["labels"], self.recipe.loss, self.class_weights)
        if not math.isfinite(loss.item()):
            raise TrainingError(
                f"the loss is {loss.item()} at step {self.global_step}, in the patches {'; '.join(batch['name'])}; "
                "look at these patches, or lower optimiser.rate"
            )
        return loss

    def validation_step(self, batch: Patch, batch_index: int) -> None:
        logits = self.kept(batch["image"], _valid(batch))
        self.confusion += count_confusion(batch["labels"], logits.argmax(dim=1), len(self.legend))

    def on_validation_epoch_start(self) -> None:
        self.confusion.zero_()

    def on_validation_epoch_end(self) -> None:
        self.scores = scores(self.confusion.cpu().numpy(), self.legend)
        # if no foreground class is in labels or prediction, there is no score; 0 keeps the epochs comparable
        self.log(MONITORED, self.scores.mean_iou or 0.0)
        self.log("validation/overall_accuracy", self.scores.overall_accuracy)

    def optimizer_step(self, *arguments: Any, **options: Any) -> None:
        super().optimizer_step(*arguments, **options)
        if self.average is not None:
            self.average.update_parameters(self.network)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        settings = self.recipe.optimiser
        optimiser = make_optimiser(self.network, settings)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate_factor(settings, step, self.steps))
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def assemble(
    manifest: Manifest,
    recipe: Recipe,
    steps: int,
    start: Path | None = None,
    progress: Progress = QUIET,
    *,
    pretrained: bool = True,
) -> Segmentation:
    """The recipe's network for a dataset, ready to be trained.

    Args:
        manifest: Of the dataset: its bands, classes, statistics and pixels of each class.
        recipe: Decides about everything else.
        steps: Steps of an epoch.
        start: Checkpoint whose weights are transferred (see `transfer_weights`); the encoder's pretrained weights are
            left out then.
        progress: Is told what was transferred.
        pretrained: Whether the encoder begins with the weights that the recipe names; a resumed run needs none.

    Raises:
        NetworkError: The network cannot be built, or the encoder's weights are not available.
        CheckpointError: `start` is no checkpoint.
    """
    settings = recipe.network
    network = build(
        settings.name,
        encoder=settings.encoder,
        bands=len(manifest.bands),
        classes=len(manifest.legend),
        weights=settings.weights if pretrained and start is None else None,
        drop_path=settings.drop_path,
    )
    network.set_statistics(manifest.statistics.mean, manifest.statistics.std)
    if start is not None:
        for line in transfer_weights(network, recipe, manifest, start).lines:
            progress.note(line)
    network.recompute = recipe.training.recompute
    network.to(memory_format=torch.channels_last)  # half the time on a CPU, and what GPUs like
    return Segmentation(network, recipe, manifest.legend, recipe.training.epochs * steps, manifest.pixels["train"])


def count_confusion(labels: Tensor, prediction: Tensor, classes: int) -> Tensor:
    """A confusion matrix, counted on the tensors' device.

    Args:
        labels: Class indices or IGNORED, which is not counted; any shape, integers.
        prediction: Class indices, the same shape.
        classes: Number of classes.

    Returns:
        (truth, prediction) counts of pixels, (classes, classes), int64.
    """
    counted = labels != IGNORED
    pairs = labels[counted].long() * classes + prediction[counted]
    return torch.bincount(pairs, minlength=classes**2).view(classes, classes)


def _valid(batch: Patch) -> Tensor | None:
    return None if bool(batch["valid"].all()) else batch["valid"]
