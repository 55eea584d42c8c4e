"""Patches: training samples of fixed size, read from the areas of a prepared dataset when they are needed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from manet.datasets.augment import Pose, add_noise, apply_pose, draw_pose, largest_share, mosaic
from manet.datasets.manifest import Area, Manifest, SceneEntry, Split
from manet.errors import DatasetError
from manet.legend import IGNORED
from manet.raster.scene import Scene
from manet.raster.windows import Window, grid
from manet.recipe import AugmentationSettings

Key = tuple[int, ...]
"""(epoch, index), or (epoch, index, times) if the epoch has shown the patch so many times before."""


TRIES = 10
"""How often a patch is drawn at most until no class has too large a share."""


class Patch(TypedDict):
    """A training sample."""

    image: Tensor
    """(bands, size, size), float32 in the imagery's own values."""
    valid: Tensor
    """(1, size, size), float32, 0 or 1."""
    labels: Tensor
    """(size, size), int64, IGNORED where not valid."""
    name: str
    """The scene and window, for messages."""


class Patches(Dataset[Patch]):
    """The patches of a split: a grid over its areas, with one patch per cell that holds at least one label.

    Patches are indexed by their key. With augmentation, a patch is shifted by up to half its size, put in a pose and
    perhaps joined with others. The seed and the key decide all of that, so neither order nor workers matter. Pixels
    outside the patch's area are never read; where a pose reaches beyond it, pixels are not valid and ignored.
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
        """Find the cells of a split that hold labels; all labels are read once.

        Args:
            folder: Folder of the dataset.
            manifest: Its manifest.
            split: The split.
            size: Height and width of a patch, pixels.
            augmentation: None for patches as they are.
            seed: Decides, with the key, about augmentation.

        Raises:
            DatasetError: The split has no labelled pixel, or labels do not have the size of their image.
        """
        self.size, self.augmentation, self.seed = size, augmentation, seed
        self.mean = torch.tensor(manifest.statistics.mean)
        self.std = torch.tensor(manifest.statistics.std)
        areas = manifest.splits.get(split, ())
        self.scenes = {name: _open(folder, manifest.scene(name)) for name in dict.fromkeys(a.scene for a in areas)}
        cells = [(area, cell) for area in areas for cell in grid(area.window, size, size)]
        counts = [self._count(area, cell, len(manifest.legend)) for area, cell in cells]
        self.cells = [cell for cell, count in zip(cells, counts, strict=True) if count.any()]
        self.pixels = np.array([count for count in counts if count.any()])
        """How many labelled pixels each class has in each cell, (cells, classes)."""
        if not self.cells:
            raise DatasetError(
                f"no patch in the {split} split of '{manifest.dataset}', since none of its areas ({len(areas)}) has a "
                "labelled pixel; check the split and the labels"
            )

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, key: Key) -> Patch:
        index, settings = key[1], self.augmentation
        if settings is None:
            area, cell = self.cells[index]
            return self._lay_out(area, Window(cell.row, cell.col, self.size, self.size), Pose())
        generator = torch.Generator().manual_seed(_mix(self.seed, *key))
        patch = self._draw(index, settings, generator)
        if settings.mosaic and torch.rand(1, generator=generator) < settings.mosaic:
            others = torch.randint(len(self), (3,), generator=generator).tolist()
            patch = self._join([patch, *(self._draw(other, settings, generator) for other in others)], generator)
        patch["image"] = add_noise(patch["image"], self.std, settings, generator)
        return patch

    def _draw(self, index: int, settings: AugmentationSettings, generator: torch.Generator) -> Patch:
        """A cell in a random pose, or in another one as long as a class has too large a share, at most TRIES times."""
        view = self._draw_view(index, settings, generator)
        for _ in range(TRIES - 1):
            if settings.largest_share == 1 or self._largest_share(*view) <= settings.largest_share:
                break
            view = self._draw_view(index, settings, generator)
        return self._lay_out(*view)

    def _draw_view(
        self, index: int, settings: AugmentationSettings, generator: torch.Generator
    ) -> tuple[Area, Window, Pose]:
        """A random pose, and the window around a cell that it shows."""
        (area, cell), pose = self.cells[index], draw_pose(settings, generator)
        return area, self._shift(cell, area.window, pose.reach(self.size), generator), pose

    def _largest_share(self, area: Area, window: Window, pose: Pose) -> float:
        """The largest share of a class among the labelled pixels of a window in a pose; the image is not read."""
        return largest_share(apply_pose(self._read_labels(area, window), pose, self.size, smooth=False))

    def _lay_out(self, area: Area, window: Window, pose: Pose) -> Patch:
        """The patch that shows a window in a pose, without noise."""
        image, valid = (
            apply_pose(values, pose, self.size, smooth=smooth)
            for values, smooth in zip(self._read(area, window), (True, False), strict=True)
        )
        labels = apply_pose(self._read_labels(area, window), pose, self.size, smooth=False)[0]
        labels = torch.where(valid[0] > 0, labels, IGNORED).long()
        name = f"{area.scene} rows {window.row} to {window.bottom}, columns {window.col} to {window.right}"
        return Patch(image=image, valid=valid, labels=labels, name=name)

    def _join(self, patches: Sequence[Patch], generator: torch.Generator) -> Patch:
        """A mosaic of four patches, which meet somewhere in the middle half."""
        row, col = torch.randint(self.size // 4, self.size - self.size // 4 + 1, (2,), generator=generator).tolist()
        image, valid, labels = (
            mosaic([patch[name] for patch in patches], row, col) for name in ("image", "valid", "labels")
        )
        return Patch(image=image, valid=valid, labels=labels, name=" + ".join(patch["name"] for patch in patches))

    def _count(self, area: Area, cell: Window, classes: int) -> NDArray[np.int64]:
        labels, _ = self.scenes[area.scene][1].read(cell)
        return np.bincount(labels[labels != IGNORED], minlength=classes)[:classes].astype(np.int64)

    def _shift(self, cell: Window, area: Window, reach: int, generator: torch.Generator) -> Window:
        """A window of the pose's reach around a cell, shifted at random, but inside the area as far as it fits."""
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

    def _read(self, area: Area, window: Window) -> tuple[Tensor, Tensor]:
        """Image and valid pixels of a window; pixels beyond the area are not valid."""
        # beyond it is the mean, so that resizing does not darken the border of the valid pixels
        image = self.mean.view(-1, 1, 1).repeat(1, window.height, window.width)
        valid = torch.zeros(1, window.height, window.width)
        if inside := window.intersect(area.window):
            rows, columns = inside.within(window).slices
            values, known = self.scenes[area.scene][0].read(inside)
            image[:, rows, columns] = torch.where(
                torch.from_numpy(known), torch.from_numpy(values.astype(np.float32)), image[:, rows, columns]
            )
            valid[:, rows, columns] = torch.from_numpy(known.astype(np.float32))
        return image, valid

    def _read_labels(self, area: Area, window: Window) -> Tensor:
        """Labels of a window, (1, height, width); pixels beyond the area are ignored."""
        labels = torch.full((1, window.height, window.width), IGNORED, dtype=torch.uint8)
        if inside := window.intersect(area.window):
            rows, columns = inside.within(window).slices
            labels[:, rows, columns] = torch.from_numpy(self.scenes[area.scene][1].read(inside)[0])
        return labels


class EpochSampler(Sampler[Key]):
    """The keys of one epoch, in an order that depends only on seed and epoch."""

    def __init__(
        self,
        length: int,
        seed: int,
        epoch: int,
        start: int = 0,
        *,
        count: int | None = None,
        weights: Tensor | None = None,
    ) -> None:
        """Choose the keys.

        Args:
            length: How many patches there are.
            seed: Seed of the run.
            epoch: Number of the epoch.
            start: How many keys are left out at the beginning, because they were seen before an interruption.
            count: How many keys the whole epoch has; None for as many as there are patches.
            weights: How likely each patch is, (length,); None to draw patches without replacement. A patch that is
                drawn again gets another augmentation.
        """
        self.length, self.seed, self.epoch, self.start = length, seed, epoch, start
        self.count, self.weights = length if count is None else count, weights

    def __len__(self) -> int:
        """How many keys the whole epoch has, since Lightning counts a resumed epoch so."""
        return self.count

    def __iter__(self) -> Iterator[Key]:
        generator = torch.Generator().manual_seed(_mix(self.seed, self.epoch))
        if self.weights is None:
            drawn = torch.randperm(self.length, generator=generator)[: self.count]
        else:
            drawn = torch.multinomial(self.weights, self.count, replacement=True, generator=generator)
        times: Counter[int] = Counter()
        for position, index in enumerate(drawn.tolist()):
            again = (times[index],) if times[index] else ()
            times[index] += 1
            if position >= self.start:
                yield self.epoch, index, *again


def class_aware_weights(pixels: NDArray[np.int64]) -> Tensor:
    """How often to draw each cell.

    A pixel counts 1 / sqrt(all pixels of its class). This is halfway between drawing all cells equally often, which
    hardly shows rare classes, and showing all classes equally often, which fills the epochs with a few pixels.

    Args:
        pixels: How many pixels each class has in each cell, (cells, classes).

    Returns:
        (cells,)
    """
    return torch.from_numpy((pixels / np.sqrt(np.maximum(pixels.sum(axis=0), 1))).sum(axis=1))


def in_order(patches: Patches) -> list[Key]:
    """The keys of all patches, in order."""
    return [(0, index) for index in range(len(patches))]


def _open(folder: Path, entry: SceneEntry) -> tuple[Scene, Scene]:
    scene, labels = Scene(folder / entry.image), Scene(folder / entry.labels)
    if (labels.height, labels.width) != (scene.height, scene.width):
        raise DatasetError(
            f"labels of scene '{entry.name}' have {labels.height} x {labels.width} pixels, its image has "
            f"{scene.height} x {scene.width}; expected the same size: prepare the dataset again"
        )
    return scene, labels


def _mix(*numbers: int) -> int:
    """Combine several numbers to one seed."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
