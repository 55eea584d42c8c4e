"""Training batches, drawn again for every epoch, and validation batches."""

from pathlib import Path

import lightning
import torch
from torch.utils.data import DataLoader, Sampler

from manet.datasets.manifest import Manifest, Split
from manet.datasets.patches import EpochSampler, Key, Patch, Patches, class_aware_weights, in_order
from manet.recipe import Recipe


class Batches(lightning.LightningDataModule):
    """The loaders of a run. Which patches a step sees depends only on the recipe and on how many steps came before."""

    def __init__(self, data: Path, manifest: Manifest, recipe: Recipe, choose_on: Split, workers: int) -> None:
        """Find the patches of both splits.

        Args:
            data: Folder of the prepared dataset.
            manifest: Its manifest.
            recipe: Decides about size, batch, sampling and augmentation.
            choose_on: Split that is validated on.
            workers: Processes that read patches; 0 reads them in this process.

        Raises:
            DatasetError: A split has no patch.
        """
        super().__init__()
        self.recipe, self.workers = recipe, workers
        settings, seed = recipe.patches, recipe.training.seed
        self.train_patches = Patches(data, manifest, "train", settings.size, recipe.augmentation, seed)
        self.validation_patches = Patches(data, manifest, choose_on, settings.size)
        patches, per_step = len(self.train_patches), settings.batch * settings.accumulate
        self.steps = max(patches // per_step, 1)
        """Steps of an epoch, each with the gradients of `accumulate` batches."""
        self.count = self.steps * per_step
        """Patches of an epoch: whole batches, since a last, smaller one would give batch norm poor statistics."""
        if patches < per_step:
            self.count = patches // settings.batch * settings.batch or patches
        aware = settings.sampling == "class-aware"
        self.weights = class_aware_weights(self.train_patches.pixels) if aware else None

    def train_dataloader(self) -> DataLoader[Patch]:
        assert self.trainer is not None
        # only the step says how far a run is, so a resumed one sees the patches that are left of its epoch
        epoch, done = divmod(self.trainer.global_step, self.steps)
        return self.training(epoch, done * self.recipe.patches.batch * self.recipe.patches.accumulate)

    def val_dataloader(self) -> DataLoader[Patch]:
        return self._loader(self.validation_patches, in_order(self.validation_patches))

    def training(self, epoch: int, start: int = 0) -> DataLoader[Patch]:
        """An epoch's batches.

        Args:
            epoch: Counted from 0; decides about order and augmentation.
            start: Number of patches at the beginning of the epoch that are left out.
        """
        length, seed = len(self.train_patches), self.recipe.training.seed
        sampler = EpochSampler(length, seed, epoch, start, count=self.count, weights=self.weights)
        return self._loader(self.train_patches, sampler)

    def _loader(self, patches: Patches, sampler: Sampler[Key] | list[Key]) -> DataLoader[Patch]:
        return DataLoader(
            patches,
            self.recipe.patches.batch,
            sampler=sampler,
            num_workers=self.workers,
            pin_memory=torch.cuda.is_available(),
            generator=torch.Generator(),  # its own, so that making a loader draws no number that training would draw
        )
