"""The training step, as Lightning sees it."""

import math
from collections.abc import Sequence

import torch
from lightning import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torchmetrics.classification import MulticlassConfusionMatrix

from manet.datasets.patches import Patch
from manet.errors import TrainingError
from manet.legend import IGNORED, Legend
from manet.losses import balanced_weights, training_loss
from manet.metrics import Scores, scores
from manet.models import Network
from manet.recipe import OptimiserSettings, Recipe

MONITORED = "validation/mean_iou"


class Segmentation(LightningModule):
    """A network, its loss, its optimiser over a number of steps, and its validation scores."""

    class_weights: Tensor | None

    def __init__(
        self, network: Network, recipe: Recipe, legend: Legend, steps: int, pixels: Sequence[int] | None = None
    ) -> None:
        """pixels: of each class in the training split, for balanced class weights."""
        super().__init__()
        self.network, self.recipe, self.legend, self.steps = network, recipe, legend, steps
        weights = None if pixels is None or recipe.loss.class_weights == "none" else balanced_weights(pixels)
        self.register_buffer("class_weights", weights, persistent=False)
        self.confusion = MulticlassConfusionMatrix(len(legend), ignore_index=IGNORED)
        self.scores: Scores | None = None

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
        logits = self.network(batch["image"], _valid(batch))
        self.confusion.update(logits.argmax(dim=1), batch["labels"])

    def on_validation_epoch_end(self) -> None:
        self.scores = scores(self.confusion.compute().cpu().numpy(), self.legend)
        self.confusion.reset()
        # a foreground class that is in neither labels nor prediction has no score; 0 keeps the epochs comparable
        self.log(MONITORED, self.scores.mean_iou or 0.0)
        self.log("validation/overall_accuracy", self.scores.overall_accuracy)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        settings = self.recipe.optimiser
        optimiser = make_optimiser(self.network, settings)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate_factor(settings, step, self.steps))
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _valid(batch: Patch) -> Tensor | None:
    return None if bool(batch["valid"].all()) else batch["valid"]


def make_optimiser(network: Network, settings: OptimiserSettings) -> torch.optim.Optimizer:
    """Adam or AdamW; the gates have a rate of their own and no weight decay, which would hold them at 0."""
    gates = {id(gate) for gate in network.gates()}
    groups = [
        {"params": [p for p in network.parameters() if id(p) not in gates]},
        {"params": network.gates(), "lr": settings.rate * settings.gate_rate, "weight_decay": 0.0},
    ]
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings.name]
    return kind([g for g in groups if g["params"]], lr=settings.rate, weight_decay=settings.weight_decay)


def rate_factor(settings: OptimiserSettings, step: int, steps: int) -> float:
    """The learning rate at a step as a share of the largest: a linear rise, then constant or half a cosine to 0."""
    rise = round(settings.warmup * steps)
    if step < rise:
        return (step + 1) / rise
    if settings.schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * min((step - rise) / max(steps - rise, 1), 1)))
