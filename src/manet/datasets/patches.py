"""Patches: training samples of fixed size, read lazily from the windows of a prepared dataset."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from manet.datasets.augment import Pose, add_noise, apply_pose, draw_pose
from manet.datasets.manifest import Area, Manifest, SceneEntry, Split
from manet.errors import DatasetError
from manet.legend import IGNORED
from manet.raster.scene import Scene
from manet.raster.windows import Window, grid
from manet.recipe import AugmentationSettings


class Patch(TypedDict):
    """image (bands, size, size) float32 in the imagery's own values; valid (1, size, size) float32, 0 or 1;
    labels (size, size) int64, IGNORED where not valid; name: scene and window, for messages."""

    image: Tensor
    valid: Tensor
    labels: Tensor
    name: str


class Patches(Dataset[Patch]):
    """The patches of a split: a grid over its areas, one item a cell that holds at least one label.

    Items are asked for by (epoch, index). With augmentation, a patch is shifted by up to half its size and laid out in
    a pose, all drawn from (seed, epoch, index) alone, so that neither order nor workers matter. Pixels outside the
    patch's area are never read: where a pose reaches beyond, they are invalid and ignored.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        split: Split,
        size: int,
        augmentation: AugmentationSettings | None = None,
        seed: int = 0,
    ) -> None:
        """Raises DatasetError where the split has no labelled patch, or labels are not of their image's size."""
        self.size, self.augmentation, self.seed = size, augmentation, seed
        self.mean = torch.tensor(manifest.statistics.mean)
        self.std = torch.tensor(manifest.statistics.std)
        areas = manifest.splits.get(split, ())
        self.scenes = {name: _open(folder, manifest.scene(name)) for name in dict.fromkeys(a.scene for a in areas)}
        self.cells = [
            (area, cell) for area in areas for cell in grid(area.window, size, size) if self._labelled(area, cell)
        ]
        if not self.cells:
            raise DatasetError(
                f"no patch in the {split} split of '{manifest.dataset}': {len(areas)} areas, "
                "none with a labelled pixel; check the split and the labels"
            )

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, key: tuple[int, int]) -> Patch:
        epoch, index = key
        area, cell = self.cells[index]
        pose, generator = Pose(), torch.Generator()
        if self.augmentation is not None:
            generator.manual_seed(_mix(self.seed, epoch, index))
            pose = draw_pose(self.augmentation, generator)
            cell = self._shift(cell, area.window, pose.reach(self.size), generator)
        else:
            cell = Window(cell.row, cell.col, self.size, self.size)
        image, valid, labels = self._read(area, cell)
        image = apply_pose(image, pose, self.size, smooth=True)
        valid = apply_pose(valid, pose, self.size, smooth=False)
        labels = apply_pose(labels, pose, self.size, smooth=False)[0]
        if self.augmentation is not None:
            image = add_noise(image, self.std, self.augmentation, generator)
        labels = torch.where(valid[0] > 0, labels, IGNORED).long()
        name = f"{area.scene} rows {cell.row} to {cell.bottom}, columns {cell.col} to {cell.right}"
        return Patch(image=image, valid=valid, labels=labels, name=name)

    def _labelled(self, area: Area, cell: Window) -> bool:
        labels, _ = self.scenes[area.scene][1].read(cell)
        return bool((labels != IGNORED).any())

    def _shift(self, cell: Window, area: Window, reach: int, generator: torch.Generator) -> Window:
        """A window of the pose's reach, its centre shifted at random, kept inside the area as far as it fits."""
        shift = (torch.rand(2, generator=generator) - 0.5) * self.size
        first = []
        for start, length, moved, low, high in (
            (cell.row, cell.height, shift[0], area.row, area.bottom),
            (cell.col, cell.width, shift[1], area.col, area.right),
        ):
            begin = round(start + length / 2 - reach / 2 + moved.item())
            first.append(
                max(min(begin, high - reach), low) if high - low >= reach else low - (reach - (high - low)) // 2
            )
        return Window(first[0], first[1], reach, reach)

    def _read(self, area: Area, window: Window) -> tuple[Tensor, Tensor, Tensor]:
        """Image, valid and labels of a window; what lies beyond the area is invalid and ignored."""
        scene, label_scene = self.scenes[area.scene]
        # the mean, so that resizing does not darken the rim of what is valid
        image = self.mean.view(-1, 1, 1).repeat(1, window.height, window.width)
        valid = torch.zeros(1, window.height, window.width)
        labels = torch.full((1, window.height, window.width), IGNORED, dtype=torch.uint8)
        if inside := window.intersect(area.window):
            rows, columns = inside.within(window).slices
            values, known = scene.read(inside)
            image[:, rows, columns] = torch.where(
                torch.from_numpy(known), torch.from_numpy(values.astype(np.float32)), image[:, rows, columns]
            )
            valid[:, rows, columns] = torch.from_numpy(known.astype(np.float32))
            labels[:, rows, columns] = torch.from_numpy(label_scene.read(inside)[0])
        return image, valid, labels


class EpochSampler(Sampler[tuple[int, int]]):
    """The keys of one epoch, in an order that (seed, epoch) decides; `start` leaves out those already seen."""

    def __init__(self, length: int, seed: int, epoch: int, start: int = 0) -> None:
        self.length, self.seed, self.epoch, self.start = length, seed, epoch, start

    def __len__(self) -> int:
        """Of the whole epoch, which is how Lightning counts a resumed one."""
        return self.length

    def __iter__(self) -> Iterator[tuple[int, int]]:
        generator = torch.Generator().manual_seed(_mix(self.seed, self.epoch))
        for index in torch.randperm(self.length, generator=generator).tolist()[self.start :]:
            yield self.epoch, index


def in_order(patches: Patches) -> list[tuple[int, int]]:
    """The keys of all patches, unshuffled."""
    return [(0, index) for index in range(len(patches))]


def _open(folder: Path, entry: SceneEntry) -> tuple[Scene, Scene]:
    scene, labels = Scene(folder / entry.image), Scene(folder / entry.labels)
    if (labels.height, labels.width) != (scene.height, scene.width):
        raise DatasetError(
            f"labels of scene '{entry.name}' are {labels.height} x {labels.width} pixels, "
            f"its image {scene.height} x {scene.width}; they must be of one size: prepare the dataset again"
        )
    return scene, labels


def _mix(*numbers: int) -> int:
    """One seed from several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
