"""The training step, as Lightning sees it."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from lightning import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torchmetrics.classification import MulticlassConfusionMatrix

from manet.datasets.patches import Patch
from manet.errors import TrainingError
from manet.evaluation.metrics import Scores, scores
from manet.legend import IGNORED, Legend
from manet.networks import Network
from manet.recipe import OptimiserSettings, Recipe
from manet.training.losses import balanced_weights, training_loss

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
        self.average = average_of(network, recipe.training.ema) if recipe.training.ema else None

    @property
    def kept(self) -> Network:
        """The network that is validated and kept: the average of the weights, where there is one."""
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
        self.confusion.update(logits.argmax(dim=1), batch["labels"])

    def on_validation_epoch_end(self) -> None:
        self.scores = scores(self.confusion.compute().cpu().numpy(), self.legend)
        self.confusion.reset()
        # a foreground class that is in neither labels nor prediction has no score; 0 keeps the epochs comparable
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


def _valid(batch: Patch) -> Tensor | None:
    return None if bool(batch["valid"].all()) else batch["valid"]


def make_optimiser(network: Network, settings: OptimiserSettings) -> torch.optim.Optimizer:
    """Adam or AdamW; the encoder and the gates have rates of their own.

    Weight decay is for tensors of more than one dimension: it makes no sense for a norm's scale or a bias, and would
    hold gates at 0.
    """
    encoder, gates = ({id(p) for p in part} for part in (network.encoder.parameters(), network.gates()))
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for p in network.parameters():
        share = settings.gate_rate if id(p) in gates else settings.encoder_rate if id(p) in encoder else 1.0
        groups.setdefault((share, settings.weight_decay if p.ndim > 1 else 0.0), []).append(p)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings.name]
    return kind(
        [
            {"params": groups[share, decay], "lr": settings.rate * share, "weight_decay": decay}
            for share, decay in sorted(groups, key=lambda group: group[0] != 1)  # the log takes its rate from the first
        ],
        fused=True,  # weights and moments are read once, not a dozen times
    )


def rate_factor(settings: OptimiserSettings, step: int, steps: int) -> float:
    """The learning rate at a step as a share of the largest: a linear rise, then constant or half a cosine to 0."""
    rise = round(settings.warmup * steps)
    if step < rise:
        return (step + 1) / rise
    if settings.schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * min((step - rise) / max(steps - rise, 1), 1)))


def average_of(network: Network, decay: float) -> AveragedModel:
    """An exponential moving average of a network's weights, and of its batch norm's statistics over the same steps.

    After n steps the decay is (1 + n) / (10 + n) at most, so that a short run's average is one of its last ninth and
    not of its beginning.
    """

    def update(averages: Any, values: Any, steps: Tensor | int) -> None:
        get_ema_multi_avg_fn(min(decay, (1 + int(steps)) / (10 + int(steps))))(averages, values, steps)

    return AveragedModel(network, multi_avg_fn=update, use_buffers=True)
